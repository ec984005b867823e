use fascine_message::Usage;
use serde::Deserialize;

use crate::wire::Count;

/// The tokens of a call, as servers that speak this API count them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's word for cached tokens.
    prompt_cache_hit_tokens: Count,
    /// Perplexity's place for it.
    reasoning_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}

impl Counts {
    /// What they come to; nothing if nothing was counted.
    pub(super) fn read(self) -> Option<Usage> {
        let prompt_details = self.prompt_tokens_details.unwrap_or_default();
        let completion_details = self.completion_tokens_details.unwrap_or_default();
        let mut usage = Usage::new(
            self.prompt_tokens.or_zero(),
            self.completion_tokens.or_zero(),
        );
        let cached = prompt_details.cached_tokens.0;
        usage.cached_tokens = cached.unwrap_or(self.prompt_cache_hit_tokens.or_zero());
        usage.cache_write_tokens = prompt_details.cache_write_tokens.or_zero();
        let reasoning = completion_details.reasoning_tokens.0;
        usage.reasoning_tokens = reasoning.unwrap_or(self.reasoning_tokens.or_zero());
        // xAI leaves what the model thought out of the one and counts it in the other.
        let left_out = usage.total().checked_add(usage.reasoning_tokens);
        if usage.reasoning_tokens > 0 && left_out == self.total_tokens.0 {
            usage.completion_tokens = usage
                .completion_tokens
                .saturating_add(usage.reasoning_tokens);
        }
        let counted = self.prompt_tokens.0.or(self.completion_tokens.0);
        counted.map(|_| usage)
    }
}
