use std::time::Duration;

use super::streaming::StreamEnd;

/// In what the servers that speak this API differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) effort: EffortField,
    pub(crate) end: StreamEnd,
    pub(crate) max_tokens: MaxTokensField,
    pub(crate) outputs: Outputs,
    pub(crate) reasoning: ReasoningField,
    /// For how long the limit of requests is that the headers name, where it is not the usual minute.
    pub(crate) requests_per: Option<Duration>,
    /// The name of the field for the seed.
    pub(crate) seed: &'static str,
    /// What the messages of whoever set the conversation up say of their author.
    pub(crate) system: &'static str,
    pub(crate) tool_choices: ToolChoices,
    pub(crate) usage: StreamUsage,
}

/// The field that says how long an answer may be.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxTokensField {
    /// `max_completion_tokens` for OpenAI's models that think, which refuse the other: `o1`, `o3`, .., `gpt-5` and
    /// later; `max_tokens` for all others.
    #[default]
    ByModel,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
    /// `max_tokens`.
    MaxTokens,
}

/// The field in which the server wants back what the model thought before it called tools.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningField {
    /// None: it is left out.
    None,
    /// `reasoning`.
    Reasoning,
    /// `reasoning_content`.
    #[default]
    ReasoningContent,
}

/// How the server is told how much the model is to think.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EffortField {
    /// `reasoning`, an object.
    Reasoning,
    /// `reasoning_effort`, a word.
    ReasoningEffort,
}

/// What answers may be asked to look like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outputs {
    All,
    JsonOnly,
    SchemaOnly,
}

/// How a model can be made to call tools.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToolChoices {
    All,
    /// By words alone, without the name of a tool.
    Words,
    /// As all, with a word of their own for some tool.
    WordIsAny,
}

/// Whether the server has to be asked to count the tokens of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StreamUsage {
    Asked,
    Unasked,
}

impl Dialect {
    /// What most understand.
    pub(crate) const COMMON: Self = Self {
        effort: EffortField::ReasoningEffort,
        end: StreamEnd::Done,
        max_tokens: MaxTokensField::ByModel,
        outputs: Outputs::All,
        reasoning: ReasoningField::ReasoningContent,
        requests_per: None,
        seed: "seed",
        system: "system",
        tool_choices: ToolChoices::All,
        usage: StreamUsage::Asked,
    };
}

impl MaxTokensField {
    pub(super) fn name(self, model: &str) -> &'static str {
        match self {
            Self::ByModel if thinks(model) => "max_completion_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::ByModel | Self::MaxTokens => "max_tokens",
        }
    }
}

impl ReasoningField {
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Reasoning => Some("reasoning"),
            Self::ReasoningContent => Some("reasoning_content"),
        }
    }
}

/// Whether this is the name of one of OpenAI's models that think.
pub(crate) fn thinks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let number = |rest: &str| -> Option<u32> {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    };
    let o_series = name.strip_prefix('o').and_then(number);
    let gpt = name.strip_prefix("gpt-").and_then(number);
    o_series.is_some() || gpt.is_some_and(|version| version >= 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_think_are_known_by_name() {
        for model in [
            "o1",
            "o3-mini",
            "o4-mini-2026-01-01",
            "gpt-5",
            "gpt-5.1-mini",
            "openai/gpt-10",
        ] {
            assert_eq!(
                MaxTokensField::ByModel.name(model),
                "max_completion_tokens",
                "{model}"
            );
        }
        for model in [
            "gpt-4o",
            "gpt-4.1",
            "gpt-3.5-turbo",
            "gpt-oss-120b",
            "olmo-2",
            "llama",
            "",
        ] {
            assert_eq!(MaxTokensField::ByModel.name(model), "max_tokens", "{model}");
        }
    }
}
