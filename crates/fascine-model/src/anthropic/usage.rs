use fascine_message::Usage;
use serde_json::{Map, Value};

use crate::wire::Fields;

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
    /// What else was counted, such as searches.
    more: Map<String, Value>,
}

impl Counts {
    pub(super) fn update(&mut self, mut report: Fields<'_>) {
        for (name, count) in [
            ("input_tokens", &mut self.input),
            ("output_tokens", &mut self.output),
            ("cache_read_input_tokens", &mut self.cache_read),
            ("cache_creation_input_tokens", &mut self.cache_creation),
        ] {
            if let Some(total) = report.take(name) {
                *count = total;
            }
        }
        if let Some(mut details) = report.take::<Fields<'_>>("output_tokens_details") {
            self.thinking = details.take("thinking_tokens").unwrap_or(self.thinking);
        }
        self.more.extend(report.rest());
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

    /// Adds what this crate has no count for, under the name it had.
    pub(super) fn add_more(&self, extra: &mut Map<String, Value>) {
        if !self.more.is_empty() {
            extra.insert("usage".into(), self.more.clone().into());
        }
    }
}
