use std::fmt;

use fascine_message::Message;
use rpds::VectorSync;

use crate::{Turn, TurnId};

/// The turns of a conversation, oldest first, without the system prompt.
///
/// It is persistent: a clone takes constant time and memory however long the history is, shares everything with the
/// original, and does not change with it.
#[derive(Clone)]
pub struct History {
    turns: VectorSync<Turn>,
    messages: usize,
}

impl History {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            turns: VectorSync::new_sync(),
            messages: 0,
        }
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages
    }

    /// Returns whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.turns.iter().flat_map(Turn::messages)
    }

    /// The turns, oldest first.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> + ExactSizeIterator {
        self.turns.iter()
    }

    /// The turn with this id. It looks at the latest first, and at all if there is none.
    #[must_use]
    pub fn turn(&self, id: TurnId) -> Option<&Turn> {
        self.turns().rev().find(|turn| turn.id() == id)
    }

    /// The latest turn.
    #[must_use]
    pub fn last(&self) -> Option<&Turn> {
        self.turns.last()
    }

    /// Adds a turn at the end.
    pub fn push(&mut self, turn: Turn) {
        self.messages += turn.messages().len();
        self.turns.push_back_mut(turn);
    }

    /// Takes the latest turn out. It takes constant time.
    pub fn pop(&mut self) -> Option<Turn> {
        let last = self.turns.last().cloned()?;
        self.turns.drop_last_mut();
        self.messages -= last.messages().len();
        Some(last)
    }

    /// Where the turn is, counted from the oldest.
    pub(crate) fn position(&self, id: TurnId) -> Option<usize> {
        let from_the_end = self.turns().rev().position(|turn| turn.id() == id)?;
        Some(self.turns.len() - 1 - from_the_end)
    }

    /// Takes a turn out. It takes as long as there are turns.
    pub(crate) fn remove(&mut self, id: TurnId) -> Option<Turn> {
        if self.last()?.id() == id {
            return self.pop();
        }
        let removed = self.turn(id)?.clone();
        *self = self
            .turns()
            .filter(|turn| turn.id() != id)
            .cloned()
            .collect();
        Some(removed)
    }

    /// Puts a turn in before another, or at the end if there is no such one.
    pub(crate) fn insert_before(&mut self, next: Option<TurnId>, turn: Turn) {
        let Some(position) = next.and_then(|next| self.position(next)) else {
            return self.push(turn);
        };
        let mut turns: Vec<Turn> = self.turns().cloned().collect();
        turns.insert(position, turn);
        *self = turns.into_iter().collect();
    }

    /// Puts a turn in the place of the one with its id, which has as many messages.
    pub(crate) fn replace(&mut self, turn: Turn) {
        if let Some(position) = self.position(turn.id()) {
            self.turns.set_mut(position, turn);
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<Turn> for History {
    fn from_iter<I: IntoIterator<Item = Turn>>(turns: I) -> Self {
        let mut history = Self::new();
        history.extend(turns);
        history
    }
}

impl Extend<Turn> for History {
    fn extend<I: IntoIterator<Item = Turn>>(&mut self, turns: I) {
        for turn in turns {
            self.push(turn);
        }
    }
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        self.messages == other.messages && self.turns == other.turns
    }
}

impl Eq for History {}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.turns()).finish()
    }
}
