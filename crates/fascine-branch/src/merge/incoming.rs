use super::{Known, known::Knows};
use crate::state::State;
use crate::summary::originals;
use crate::{Archive, EditError, History, Turn, TurnId};

/// What comes from another branch.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// The turns that are not known here, in their order.
    pub(super) new: Vec<Turn>,
    /// The turns that are known here, and pinned there.
    pins: Vec<TurnId>,
}

impl Incoming {
    /// Goes through `theirs`, for the branch called `name`.
    pub(super) fn new(
        name: &str,
        known: &Known<'_>,
        theirs: &History,
        their_archive: &Archive,
    ) -> Result<Self, EditError> {
        let mut incoming = Self::default();
        let their_archive = their_archive.by_id();
        let says_nothing_new = |turn: &Turn| {
            let mut originals = originals(turn, &their_archive).into_iter();
            turn.is_summary() && !turn.is_pinned() && originals.all(|id| known.has(id))
        };
        for turn in theirs.turns() {
            match known.of(name, turn)? {
                Knows::Here(own) if own.is_pinned() || !turn.is_pinned() => {}
                Knows::Archived | Knows::SummedUp if !turn.is_pinned() => {}
                Knows::Archived | Knows::Here(_) => incoming.pins.push(turn.id()),
                Knows::Nothing if says_nothing_new(turn) => {}
                Knows::Nothing | Knows::SummedUp => {
                    check(name, turn)?;
                    incoming.new.push(turn.clone());
                }
            }
        }
        Ok(incoming)
    }

    /// Pins what is pinned there. What of it is in the archive comes back.
    pub(super) fn pin_in(&self, state: &mut State) {
        let followers = state.followers();
        for id in &self.pins {
            if let Some(turn) = state.archive.take(*id) {
                state.put_back(turn, followers.get(id).copied(), &followers);
            }
            if let Some(turn) = state.history.turn(*id).cloned() {
                state.history.replace(turn.with_pinned(true));
            }
        }
    }
}

/// A turn that comes from elsewhere has whole tool calls.
pub(crate) fn check(name: &str, turn: &Turn) -> Result<(), EditError> {
    match turn.unpaired() {
        None => Ok(()),
        Some(call) => Err(EditError::Unpaired {
            branch: name.to_owned(),
            turn: turn.id(),
            call: call.to_owned(),
        }),
    }
}
