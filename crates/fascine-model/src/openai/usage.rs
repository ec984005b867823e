use fascine_message::Usage;

use crate::wire::{Count, Rest, UnknownFields, open_object};

open_object! {
    /// The tokens of a call, as servers that speak this API count them.
    Counts<'a> {
        prompt_tokens: Count = "prompt_tokens",
        completion_tokens: Count = "completion_tokens",
        total_tokens: Count = "total_tokens",
        prompt_details: PromptDetails<'a> = "prompt_tokens_details",
        completion_details: CompletionDetails<'a> = "completion_tokens_details",
        /// DeepSeek's word for cached tokens.
        prompt_cache_hit_tokens: Count = "prompt_cache_hit_tokens",
        /// Perplexity's place for it.
        reasoning_tokens: Count = "reasoning_tokens",
    }
}

open_object! {
    PromptDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
    }
}

open_object! {
    CompletionDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
    }
}

impl Counts<'_> {
    /// What they come to; nothing if nothing was counted.
    pub(super) fn usage(&self) -> Option<Usage> {
        let mut usage = Usage::new(
            self.prompt_tokens.or_zero(),
            self.completion_tokens.or_zero(),
        );
        let cached = self.prompt_details.cached_tokens.0;
        usage.cached_tokens = cached.unwrap_or(self.prompt_cache_hit_tokens.or_zero());
        usage.cache_write_tokens = self.prompt_details.cache_write_tokens.or_zero();
        let reasoning = self.completion_details.reasoning_tokens.0;
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

    /// Keeps what else was counted.
    pub(super) fn keep_rest(self, unknown: &mut UnknownFields) {
        let details = [
            ("prompt_tokens_details", self.prompt_details.rest),
            ("completion_tokens_details", self.completion_details.rest),
        ];
        unknown.of_whole(&["usage"], counted(self.rest));
        for (name, rest) in details {
            unknown.of_whole(&["usage", name], counted(rest));
        }
    }
}

/// Most servers count much that there is none of.
fn counted(mut rest: Rest<'_>) -> Rest<'_> {
    rest.retain(|(name, value)| !value.is("0") || !name.or_empty().ends_with("_tokens"));
    rest
}
