/// An API that a [`MockServer`](crate::MockServer) speaks.
///
/// # Examples
///
/// ```
/// use fascine_mock::Api;
///
/// assert_eq!(Api::ALL.map(Api::name).join(" "), "anthropic gemini ollama openai openai-responses");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's `generateContent` and `streamGenerateContent`.
    Gemini,
    /// Ollama's own, in lines of JSON.
    Ollama,
    /// OpenAI's Chat Completions.
    OpenAi,
    /// OpenAI's Responses.
    OpenAiResponses,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::OpenAi,
        Self::OpenAiResponses,
    ];

    /// The name, in small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
        }
    }

    /// What clients put behind the host in the base URL of this API.
    pub(crate) const fn base_path(self) -> &'static str {
        match self {
            Self::Anthropic | Self::OpenAi | Self::OpenAiResponses => "/v1",
            Self::Gemini => "/v1beta",
            Self::Ollama => "",
        }
    }
}
