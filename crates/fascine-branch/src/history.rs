use std::sync::Arc;

use fascine_message::Message;

/// The messages of a conversation, oldest first, without the system prompt.
///
/// Messages are shared and never change: a copy of a history copies no message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    messages: Vec<Arc<Message>>,
}

impl History {
    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Returns whether nothing was said yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().map(|message| &**message)
    }

    pub(crate) fn extend(&mut self, turn: impl IntoIterator<Item = Message>) {
        self.messages.extend(turn.into_iter().map(Arc::new));
    }
}
