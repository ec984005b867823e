use fascine_message::Message;

/// What the model is told before the conversation.
#[derive(Clone, Debug)]
pub struct SystemPrompt {
    text: String,
}

impl SystemPrompt {
    /// Tells it `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Writes it for the next request.
    pub(crate) async fn message(&self) -> Message {
        Message::system(self.text.clone())
    }
}

impl<T: Into<String>> From<T> for SystemPrompt {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}
