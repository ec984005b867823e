use serde_json::Value;

/// What the server needs to know of a request, whatever its API.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// For OpenAI, which sends the usage of a stream only to who asks.
    pub(crate) include_usage: bool,
    /// The text that came last from the user's side: a message, or the result of a tool.
    pub(crate) asked: String,
    /// An estimate: four characters to a token, 85 tokens to a picture.
    pub(crate) prompt_tokens: u64,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    /// The JSON schema that the answer is to fit.
    pub(crate) schema: Option<Value>,
    pub(crate) reasoning: bool,
}

#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    #[default]
    Auto,
    Named(String),
    None,
    Required,
}

/// Counts what a prompt is made of.
#[derive(Debug, Default)]
pub(crate) struct PromptSize {
    characters: u64,
    pictures: u64,
}

impl PromptSize {
    pub(crate) fn text(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
    }

    pub(crate) fn json(&mut self, value: &Value) {
        self.characters += value.to_string().len() as u64;
    }

    pub(crate) fn picture(&mut self) {
        self.pictures += 1;
    }

    pub(crate) fn tokens(&self) -> u64 {
        (self.characters.div_ceil(4) + 85 * self.pictures).max(1)
    }
}
