use std::collections::HashMap;
use std::fmt;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use crate::{Turn, TurnId};

/// The turns that have left a history to make room, in the order in which they left: they were pruned, or a summary
/// stands for them.
///
/// It is persistent, as a [`History`](crate::History) is: a clone takes constant time and memory.
/// [`Branch::restore`](crate::Branch::restore) puts a turn back where it was.
#[derive(Clone, Default)]
pub struct Archive {
    entries: RedBlackTreeMapSync<u64, Archived>,
    next: u64,
    /// How many turns it holds at most; the first that came go first.
    limit: Option<usize>,
}

/// A turn, and where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archived {
    pub(crate) turn: Turn,
    /// The turn that came after it when it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<TurnId>,
}

impl Archive {
    pub(crate) fn with_optional_limit(limit: Option<usize>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    pub(crate) fn set_limit(&mut self, limit: Option<usize>) {
        self.limit = limit;
        self.shrink();
    }

    pub(crate) fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// How many turns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.size()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The turns, in the order in which they left the history.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        self.entries.values().map(|entry| &entry.turn)
    }

    /// The turn with this id. It takes as long as there are turns.
    #[must_use]
    pub fn turn(&self, id: TurnId) -> Option<&Turn> {
        self.turns().rev().find(|turn| turn.id() == id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Archived> {
        self.entries.values()
    }

    pub(crate) fn by_id(&self) -> HashMap<TurnId, &Turn> {
        self.turns().map(|turn| (turn.id(), turn)).collect()
    }

    pub(crate) fn put(&mut self, entry: Archived) {
        self.entries.insert_mut(self.next, entry);
        self.next += 1;
        self.shrink();
    }

    /// Takes a turn out.
    pub(crate) fn take(&mut self, id: TurnId) -> Option<Turn> {
        let mut entries = self.entries.iter();
        let (key, entry) = entries.rfind(|(_, entry)| entry.turn.id() == id)?;
        let (key, turn) = (*key, entry.turn.clone());
        self.entries.remove_mut(&key);
        Some(turn)
    }

    fn shrink(&mut self) {
        while self.limit.is_some_and(|limit| self.len() > limit)
            && let Some(first) = self.entries.first().map(|(key, _)| *key)
        {
            self.entries.remove_mut(&first);
        }
    }
}

impl FromIterator<Archived> for Archive {
    fn from_iter<I: IntoIterator<Item = Archived>>(entries: I) -> Self {
        let mut archive = Self::default();
        entries.into_iter().for_each(|entry| archive.put(entry));
        archive
    }
}

impl PartialEq for Archive {
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
    }
}

impl Eq for Archive {}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.turns()).finish()
    }
}
