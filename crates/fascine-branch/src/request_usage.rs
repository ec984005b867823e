use fascine_message::Usage;
use fascine_model::{FinishReason, ModelError, Response};

/// One call of a model within an operation, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestUsage {
    /// The model that answered, as the provider calls it; if it did not, the one that was asked.
    pub model: String,
    /// Why the answer ends where it ends; none if there was no answer.
    pub finish_reason: Option<FinishReason>,
    /// The tokens.
    pub usage: Usage,
    /// How many requests it took; more than one when the model's service retried.
    pub attempts: u32,
}

impl RequestUsage {
    pub(crate) fn answered(asked: &str, response: &Response) -> Self {
        let model = match response.model.as_str() {
            "" => asked,
            answered => answered,
        };
        Self {
            model: model.to_owned(),
            finish_reason: Some(response.finish_reason.clone()),
            usage: response.usage,
            attempts: response.attempts,
        }
    }

    pub(crate) fn failed(asked: &str, error: &ModelError) -> Self {
        let usage = match error.failure() {
            fascine_model::ModelFailure::Interrupted(interrupted) => interrupted.usage,
            _ => Usage::default(),
        };
        Self {
            model: asked.to_owned(),
            finish_reason: None,
            usage,
            attempts: error.attempts(),
        }
    }
}

/// The tokens of several calls.
pub(crate) fn usage_of(requests: &[RequestUsage]) -> Usage {
    requests.iter().map(|request| request.usage).sum()
}

/// The requests that several calls took.
pub(crate) fn attempts_of(requests: &[RequestUsage]) -> u32 {
    let attempts = requests.iter().map(|request| request.attempts);
    attempts.fold(0, u32::saturating_add)
}
