use fascine_message::Usage;

use crate::wire::{Count, UnknownFields, open_object};

open_object! {
    /// What has been counted.
    Report<'a> {
        input: Count = "input_tokens",
        output: Count = "output_tokens",
        cache_read: Count = "cache_read_input_tokens",
        cache_creation: Count = "cache_creation_input_tokens",
        output_details: OutputDetails<'a> = "output_tokens_details",
    }
}

open_object! {
    OutputDetails<'a> {
        thinking: Count = "thinking_tokens",
    }
}

/// What an answer has cost so far.
///
/// Each report is a total, not an addition; what it leaves out has not changed.
#[derive(Debug, Default)]
pub(super) struct Counts {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    thinking: u64,
}

impl Counts {
    /// Takes a report, and keeps what else was counted, such as searches.
    pub(super) fn update(&mut self, report: Report<'_>, unknown: &mut UnknownFields) {
        for (count, total) in [
            (&mut self.input, report.input),
            (&mut self.output, report.output),
            (&mut self.cache_read, report.cache_read),
            (&mut self.cache_creation, report.cache_creation),
            (&mut self.thinking, report.output_details.thinking),
        ] {
            *count = total.0.unwrap_or(*count);
        }
        unknown.of_whole(&["usage"], report.rest);
        let details = ["usage", "output_tokens_details"];
        unknown.of_whole(&details, report.output_details.rest);
    }

    /// The API counts what came from a cache, or went there, apart from the rest of the input.
    pub(super) fn usage(&self) -> Usage {
        let prompt = self.input.saturating_add(self.cache_read);
        let mut usage = Usage::new(prompt.saturating_add(self.cache_creation), self.output);
        usage.cached_tokens = self.cache_read;
        usage.cache_write_tokens = self.cache_creation;
        usage.reasoning_tokens = self.thinking;
        usage
    }
}
