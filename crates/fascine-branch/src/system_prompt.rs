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

    /// The text, if it is no more than that; a prompt that is made anew for each request has none.
    pub(crate) fn as_text(&self) -> Option<&str> {
        Some(&self.text)
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
