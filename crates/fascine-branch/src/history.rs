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

    /// The turn with this id.
    #[must_use]
    pub fn turn(&self, id: TurnId) -> Option<&Turn> {
        self.turns().rev().find(|turn| turn.id() == id)
    }

    /// Adds a turn at the end.
    pub fn push(&mut self, turn: Turn) {
        self.messages += turn.messages().len();
        self.turns.push_back_mut(turn);
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
