use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an answer has to look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputFormat {
    /// As the model likes.
    #[default]
    Text,
    /// Some JSON document.
    Json,
    /// A JSON document that fits a schema, held to it by the provider.
    Schema(OutputSchema),
}

/// The JSON Schema of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputSchema {
    /// What to call it; some providers show it to the model.
    pub name: String,
    /// The schema.
    pub schema: Value,
    /// Whether the model can write nothing else; true unless set otherwise.
    pub strict: bool,
}

impl OutputFormat {
    /// Asks for a document that fits `schema`.
    pub fn schema(name: impl Into<String>, schema: impl Into<Value>) -> Self {
        Self::Schema(OutputSchema {
            name: name.into(),
            schema: schema.into(),
            strict: true,
        })
    }

    pub(crate) fn is_text(&self) -> bool {
        *self == Self::Text
    }
}

impl OutputSchema {
    /// Sets whether the model can write nothing else.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }
}
