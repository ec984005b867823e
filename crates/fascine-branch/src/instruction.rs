use fascine_message::{Content, Message, Part, Role};

/// What is said to a model: text, and what goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instruction {
    /// The parts, in order.
    pub content: Content,
}

impl Instruction {
    /// Says `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: vec![Part::text(text)],
        }
    }

    /// Adds a part: a picture, a document.
    #[must_use]
    pub fn with_part(mut self, part: Part) -> Self {
        self.content.push(part);
        self
    }

    /// The message it is.
    pub(crate) fn message(&self) -> Message {
        Message::new(Role::User, self.content.clone())
    }
}

impl<T: Into<String>> From<T> for Instruction {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}
