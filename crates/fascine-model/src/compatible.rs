use std::str::FromStr;
use std::time::Duration;

use crate::openai::{Dialect, EffortField, Outputs, StreamUsage, ToolChoices};
use crate::wire::base_url_from_env;
use crate::{ApiKey, ApiKeyError, MaxTokensField, ProviderError, ReasoningField, StreamEnd};

/// A well-known server that speaks OpenAI's Chat Completions API, in a dialect of its own.
///
/// Azure is another: see [`OpenAi::azure`](crate::OpenAi::azure).
///
/// ```
/// use fascine_model::Compatible;
///
/// let groq: Compatible = "groq".parse().unwrap();
/// assert_eq!(groq.base_url(), "https://api.groq.com/openai/v1");
/// assert_eq!(groq.key_variable(), "GROQ_API_KEY");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compatible {
    /// DeepSeek: answers are held to no schema; what the model thought goes back with its tool calls.
    DeepSeek,
    /// Groq.
    Groq,
    /// llama.cpp's server on this machine: a tool is chosen by words alone.
    LlamaCpp,
    /// LM Studio on this machine: JSON comes only by a schema.
    LmStudio,
    /// Mistral: `random_seed`, and `any` for some tool.
    Mistral,
    /// NVIDIA's NIM.
    Nvidia,
    /// OpenAI itself.
    OpenAi,
    /// OpenRouter: how much the model thinks is an object, and may be a number of tokens.
    OpenRouter,
    /// Perplexity: a stream may end without `[DONE]`; JSON comes only by a schema.
    Perplexity,
    /// Together.
    Together,
    /// vLLM on this machine.
    Vllm,
    /// xAI.
    Xai,
}

impl Compatible {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::DeepSeek,
        Self::Groq,
        Self::LlamaCpp,
        Self::LmStudio,
        Self::Mistral,
        Self::Nvidia,
        Self::OpenAi,
        Self::OpenRouter,
        Self::Perplexity,
        Self::Together,
        Self::Vllm,
        Self::Xai,
    ];

    /// What to call it in logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeepSeek => "deepseek",
            Self::Groq => "groq",
            Self::LlamaCpp => "llama.cpp",
            Self::LmStudio => "lmstudio",
            Self::Mistral => "mistral",
            Self::Nvidia => "nvidia",
            Self::OpenAi => "openai",
            Self::OpenRouter => "openrouter",
            Self::Perplexity => "perplexity",
            Self::Together => "together",
            Self::Vllm => "vllm",
            Self::Xai => "xai",
        }
    }

    /// Where it is, or where it is started by default.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::DeepSeek => "https://api.deepseek.com",
            Self::Groq => "https://api.groq.com/openai/v1",
            Self::LlamaCpp => "http://localhost:8080/v1",
            Self::LmStudio => "http://localhost:1234/v1",
            Self::Mistral => "https://api.mistral.ai/v1",
            Self::Nvidia => "https://integrate.api.nvidia.com/v1",
            Self::OpenAi => "https://api.openai.com/v1",
            Self::OpenRouter => "https://openrouter.ai/api/v1",
            Self::Perplexity => "https://api.perplexity.ai",
            Self::Together => "https://api.together.xyz/v1",
            Self::Vllm => "http://localhost:8000/v1",
            Self::Xai => "https://api.x.ai/v1",
        }
    }

    /// The environment variable that usually has the key.
    #[must_use]
    pub const fn key_variable(self) -> &'static str {
        match self {
            Self::DeepSeek => "DEEPSEEK_API_KEY",
            Self::Groq => "GROQ_API_KEY",
            Self::LlamaCpp => "LLAMA_API_KEY",
            Self::LmStudio => "LM_STUDIO_API_KEY",
            Self::Mistral => "MISTRAL_API_KEY",
            Self::Nvidia => "NVIDIA_API_KEY",
            Self::OpenAi => "OPENAI_API_KEY",
            Self::OpenRouter => "OPENROUTER_API_KEY",
            Self::Perplexity => "PERPLEXITY_API_KEY",
            Self::Together => "TOGETHER_API_KEY",
            Self::Vllm => "VLLM_API_KEY",
            Self::Xai => "XAI_API_KEY",
        }
    }

    /// Whether it refuses whoever has no key: a server on this machine usually does not.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !matches!(self, Self::LlamaCpp | Self::LmStudio | Self::Vllm)
    }

    pub(crate) fn base_url_from_env(self) -> String {
        match self {
            Self::OpenAi => base_url_from_env("OPENAI_BASE_URL", self.base_url()),
            _ => self.base_url().to_owned(),
        }
    }

    pub(crate) fn key_from_env(self) -> Result<Option<ApiKey>, ProviderError> {
        match ApiKey::from_env(self.key_variable()) {
            Ok(key) => Ok(Some(key)),
            Err(ApiKeyError::Missing { .. } | ApiKeyError::Empty { .. }) if !self.needs_key() => {
                Ok(None)
            }
            Err(error) => Err(ProviderError::Key(error)),
        }
    }

    pub(crate) const fn dialect(self) -> Dialect {
        let common = Dialect::COMMON;
        let silent = Dialect {
            reasoning: ReasoningField::None,
            ..common
        };
        match self {
            Self::DeepSeek => Dialect {
                outputs: Outputs::JsonOnly,
                ..common
            },
            Self::Groq => Dialect {
                reasoning: ReasoningField::Reasoning,
                requests_per: Some(DAY),
                ..common
            },
            Self::LlamaCpp => Dialect {
                tool_choices: ToolChoices::Words,
                ..common
            },
            Self::LmStudio => Dialect {
                outputs: Outputs::SchemaOnly,
                ..common
            },
            Self::Mistral => Dialect {
                max_tokens: MaxTokensField::MaxTokens,
                seed: "random_seed",
                tool_choices: ToolChoices::WordIsAny,
                usage: StreamUsage::Unasked,
                ..silent
            },
            Self::OpenRouter => Dialect {
                effort: EffortField::Reasoning,
                max_tokens: MaxTokensField::MaxTokens,
                reasoning: ReasoningField::Reasoning,
                ..common
            },
            Self::Perplexity => Dialect {
                end: StreamEnd::FinishReason,
                outputs: Outputs::SchemaOnly,
                usage: StreamUsage::Unasked,
                ..silent
            },
            Self::OpenAi | Self::Together | Self::Xai => silent,
            Self::Nvidia | Self::Vllm => common,
        }
    }
}

/// There is no server of this name among those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is none of the servers that are known: {}", names())]
#[non_exhaustive]
pub struct UnknownServer {
    /// The name.
    pub name: String,
}

const DAY: Duration = Duration::from_secs(86_400);

fn names() -> String {
    Compatible::ALL.map(Compatible::name).join(", ")
}

impl FromStr for Compatible {
    type Err = UnknownServer;

    /// Reads a [`name`](Self::name).
    fn from_str(name: &str) -> Result<Self, UnknownServer> {
        let known = Self::ALL.into_iter().find(|server| server.name() == name);
        known.ok_or_else(|| UnknownServer {
            name: name.chars().take(100).collect(),
        })
    }
}
