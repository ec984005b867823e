use serde::{Deserialize, Serialize};

/// What a model thought before it answered.
///
/// It belongs to the answer: providers want it back, unchanged and in its place, with the results of the tool calls
/// that came of it. It is no text of the conversation, and [`Message::text`](crate::Message::text) leaves it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reasoning {
    /// The provider's name for it; empty if it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What may be read of it; empty if it was withheld.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The provider's seal on it; without text, on the part that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What was withheld, encrypted by the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// Whose seal it is, by [`Provider::name`](https://docs.rs/fascine-model); empty if nobody said. Another provider
    /// could not open it, so none is sent it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
}

impl Reasoning {
    /// Makes reasoning of readable text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Adds the provider's seal.
    #[must_use]
    pub fn with_signature(mut self, signature: impl Into<String>) -> Self {
        self.signature = Some(signature.into());
        self
    }

    /// Adds what was withheld.
    #[must_use]
    pub fn with_encrypted(mut self, encrypted: impl Into<String>) -> Self {
        self.encrypted = Some(encrypted.into());
        self
    }

    /// Gives it the provider's name for it.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Says whose it is.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = provider.into();
        self
    }
}
