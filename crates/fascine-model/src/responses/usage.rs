use fascine_message::Usage;
use serde::Deserialize;

use crate::wire::Count;

/// The tokens of a call, as this API counts them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl Counts {
    /// What they come to; nothing if nothing was counted.
    pub(super) fn read(self) -> Option<Usage> {
        let input = self.input_tokens_details.unwrap_or_default();
        let output = self.output_tokens_details.unwrap_or_default();
        let mut usage = Usage::new(self.input_tokens.or_zero(), self.output_tokens.or_zero());
        usage.cached_tokens = input.cached_tokens.or_zero();
        usage.cache_write_tokens = input.cache_write_tokens.or_zero();
        usage.reasoning_tokens = output.reasoning_tokens.or_zero();
        let counted = self.input_tokens.0.or(self.output_tokens.0);
        counted.map(|_| usage)
    }
}
