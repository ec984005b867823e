use fascine_message::Usage;

use crate::wire::Fields;

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
    pub(super) fn update(&mut self, mut report: Fields<'_>) {
        for (name, count) in [
            ("promptTokenCount", &mut self.prompt),
            ("toolUsePromptTokenCount", &mut self.tool_use_prompt),
            ("cachedContentTokenCount", &mut self.cached),
            ("candidatesTokenCount", &mut self.candidates),
            ("thoughtsTokenCount", &mut self.thoughts),
        ] {
            if let Some(total) = report.take(name) {
                *count = total;
            }
        }
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
