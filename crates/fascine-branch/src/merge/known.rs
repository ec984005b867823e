use std::collections::{HashMap, HashSet};

use crate::summary::summed_up;
use crate::{Archive, EditError, History, Turn, TurnId};

/// The turns that a branch has, or had.
pub(super) struct Known<'a> {
    history: HashMap<TurnId, &'a Turn>,
    archive: HashMap<TurnId, &'a Turn>,
    summed_up: HashSet<TurnId>,
}

/// What a branch knows of a turn.
pub(super) enum Knows<'a> {
    Archived,
    Here(&'a Turn),
    Nothing,
    SummedUp,
}

impl<'a> Known<'a> {
    pub(super) fn new(history: &'a History, archive: &'a Archive) -> Self {
        Self {
            history: history.by_id(),
            archive: archive.by_id(),
            summed_up: summed_up(history, archive),
        }
    }

    /// Whether it knows of the turn at all.
    pub(super) fn has(&self, id: TurnId) -> bool {
        self.history.contains_key(&id)
            || self.archive.contains_key(&id)
            || self.summed_up.contains(&id)
    }

    /// What the branch called `name` knows of `turn`, which comes from elsewhere.
    ///
    /// # Errors
    ///
    /// [`EditError::Conflict`] when it knows another one by this id.
    pub(super) fn of(&self, name: &str, turn: &Turn) -> Result<Knows<'a>, EditError> {
        let id = turn.id();
        let here = self.history.get(&id).copied();
        let archived = self.archive.get(&id).copied();
        if let Some(own) = here.or(archived)
            && !own.says_the_same(turn)
        {
            return Err(EditError::Conflict {
                branch: name.to_owned(),
                turn: id,
            });
        }
        Ok(match (here, archived) {
            (Some(here), _) => Knows::Here(here),
            (None, Some(_)) => Knows::Archived,
            (None, None) if self.summed_up.contains(&id) => Knows::SummedUp,
            (None, None) => Knows::Nothing,
        })
    }
}
