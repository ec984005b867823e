use fascine_message::Usage;

use crate::wire::{Count, Rest, open_object};

open_object! {
    /// What has been counted.
    Report<'a> {
        prompt: Count = "promptTokenCount",
        tool_use_prompt: Count = "toolUsePromptTokenCount",
        cached: Count = "cachedContentTokenCount",
        candidates: Count = "candidatesTokenCount",
        thoughts: Count = "thoughtsTokenCount",
        /// It adds up.
        total: Count = "totalTokenCount",
    }
}

/// What an answer has cost so far. Each report is a total; what it leaves out has not changed.
#[derive(Debug, Default)]
pub(super) struct Counts {
    prompt: u64,
    tool_use_prompt: u64,
    cached: u64,
    candidates: u64,
    thoughts: u64,
}

impl Counts {
    /// Takes a report, and gives what is not known of it.
    pub(super) fn update<'a>(&mut self, report: Report<'a>) -> Rest<'a> {
        for (count, total) in [
            (&mut self.prompt, report.prompt),
            (&mut self.tool_use_prompt, report.tool_use_prompt),
            (&mut self.cached, report.cached),
            (&mut self.candidates, report.candidates),
            (&mut self.thoughts, report.thoughts),
        ] {
            *count = total.0.unwrap_or(*count);
        }
        report.rest
    }

    /// The API counts what the model thought apart from what it answered; both are billed as output.
    pub(super) fn usage(&self) -> Usage {
        let prompt = self.prompt.saturating_add(self.tool_use_prompt);
        let mut usage = Usage::new(prompt, self.candidates.saturating_add(self.thoughts));
        usage.cached_tokens = self.cached;
        usage.reasoning_tokens = self.thoughts;
        usage
    }
}
