use fascine_message::Usage;

use crate::wire::{Count, UnknownFields, open_object};

open_object! {
    /// The tokens of a call, as this API counts them.
    Counts<'a> {
        input_tokens: Count = "input_tokens",
        output_tokens: Count = "output_tokens",
        total_tokens: Count = "total_tokens",
        input_details: InputDetails<'a> = "input_tokens_details",
        output_details: OutputDetails<'a> = "output_tokens_details",
    }
}

open_object! {
    InputDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
    }
}

open_object! {
    OutputDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
    }
}

impl Counts<'_> {
    /// What they come to; nothing if nothing was counted.
    pub(super) fn usage(&self) -> Option<Usage> {
        let mut usage = Usage::new(self.input_tokens.or_zero(), self.output_tokens.or_zero());
        usage.cached_tokens = self.input_details.cached_tokens.or_zero();
        usage.cache_write_tokens = self.input_details.cache_write_tokens.or_zero();
        usage.reasoning_tokens = self.output_details.reasoning_tokens.or_zero();
        let counted = self.input_tokens.0.or(self.output_tokens.0);
        counted.map(|_| usage)
    }

    /// Keeps what else was counted.
    pub(super) fn keep_rest(self, unknown: &mut UnknownFields) {
        unknown.of_whole(&["usage"], self.rest);
        for (name, rest) in [
            ("input_tokens_details", self.input_details.rest),
            ("output_tokens_details", self.output_details.rest),
        ] {
            unknown.of_whole(&["usage", name], rest);
        }
    }
}
