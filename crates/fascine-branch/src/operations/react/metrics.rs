use std::time::Duration;

use fascine_message::Usage;

use crate::{ReactStep, RequestUsage};

/// How much a run took, under linus's names. Every run has its own.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReactMetrics {
    /// How many rounds there were.
    pub iterations: u32,
    /// How many times the model was called, retries of its service not counted.
    pub llm_calls: u32,
    /// Of them: to reason, or to say which tools to call.
    pub reasoning_calls: u32,
    /// Of them: to check an answer.
    pub completion_checks: u32,
    /// How many tools were to be called.
    pub tool_executions: u32,
    /// Of them: how many gave a result.
    pub successful_tool_calls: u32,
    /// Of them: how many failed, were refused or are not there.
    pub failed_tool_calls: u32,
    /// The tokens of all calls.
    pub usage: Usage,
    /// Whether the model thinks that the task is done.
    pub task_completed: bool,
    /// After how many rounds it was.
    pub iterations_to_completion: Option<u32>,
    /// How long it took.
    pub elapsed: Duration,
}

impl ReactMetrics {
    /// The tokens of a call of the model on average; zero if there was none.
    #[must_use]
    pub fn avg_tokens_per_llm_call(&self) -> f64 {
        ratio(self.usage.total() as f64, self.llm_calls)
    }

    /// Which share of the tools gave a result, from 0 to 1; zero if none was called.
    #[must_use]
    pub fn success_rate(&self) -> f64 {
        ratio(f64::from(self.successful_tool_calls), self.tool_executions)
    }

    pub(super) fn count_step(&mut self, step: &ReactStep) {
        self.iterations += 1;
        self.reasoning_calls += count(step.requests.len());
        for (_, result) in &step.actions {
            self.tool_executions += 1;
            match result.is_error {
                true => self.failed_tool_calls += 1,
                false => self.successful_tool_calls += 1,
            }
        }
    }

    pub(super) fn count_requests(&mut self, requests: &[RequestUsage]) {
        self.llm_calls = count(requests.len());
        self.usage = requests.iter().map(|request| request.usage).sum();
    }
}

fn ratio(part: f64, of: u32) -> f64 {
    match of {
        0 => 0.0,
        of => part / f64::from(of),
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
