use fascine_message::Timestamp;

use super::Incoming;
use crate::{Branch, EditError, History, Turn};

impl Branch {
    /// Puts what comes among what was said after both branches were one. The turn lock is held.
    pub(super) fn interleave(
        &self,
        other: &str,
        theirs: &History,
        incoming: Incoming,
    ) -> Result<Vec<Turn>, EditError> {
        let mut state = self.state();
        if !incoming.new.is_empty() {
            let common = state.history.common_prefix(theirs);
            let later: Vec<Turn> = state.history.turns().skip(common).cloned().collect();
            let later = timed(self.name(), later)?;
            let new = timed(other, incoming.new.clone())?;
            let mut merged: History = state.history.turns().take(common).cloned().collect();
            merged.extend(by_time(later, new));
            state.history = merged;
        }
        incoming.pin_in(&mut state);
        Ok(incoming.new)
    }
}

fn timed(branch: &str, turns: Vec<Turn>) -> Result<Vec<(Timestamp, Turn)>, EditError> {
    let timed = turns.into_iter().map(|turn| match turn.timestamp() {
        Some(at) => Ok((at, turn)),
        None => Err(EditError::NoTimestamp {
            branch: branch.to_owned(),
            turn: turn.id(),
        }),
    });
    timed.collect()
}

/// Takes from both in turn what is older, without changing the order of either.
fn by_time(
    ours: Vec<(Timestamp, Turn)>,
    theirs: Vec<(Timestamp, Turn)>,
) -> impl Iterator<Item = Turn> {
    let mut ours = ours.into_iter().peekable();
    let mut theirs = theirs.into_iter().peekable();
    std::iter::from_fn(move || {
        let next = match (ours.peek(), theirs.peek()) {
            (Some((own, _)), Some((other, _))) if other < own => theirs.next(),
            (Some(_), _) => ours.next(),
            (None, _) => theirs.next(),
        };
        next.map(|(_, turn)| turn)
    })
}
