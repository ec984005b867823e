use crate::{ModelFailure, Request};

/// What every provider wants: a model and a conversation, and numbers that are numbers.
pub(crate) fn check<'a>(request: &'a Request, default: &'a str) -> Result<&'a str, ModelFailure> {
    if request.messages.is_empty() {
        return Err(ModelFailure::invalid("messages", "are empty"));
    }
    for (field, value) in [
        ("temperature", request.temperature),
        ("top_p", request.top_p),
    ] {
        if value.is_some_and(|value| !value.is_finite() || value < 0.0) {
            return Err(ModelFailure::invalid(field, "is no number from 0 up"));
        }
    }
    if request.top_p.is_some_and(|share| share > 1.0) {
        return Err(ModelFailure::invalid("top_p", "is more than 1"));
    }
    match request.model.as_deref().unwrap_or(default) {
        "" => Err(ModelFailure::invalid("model", "is empty")),
        model => Ok(model),
    }
}
