use fascine_message::ToolCall;
use serde_json::value::RawValue;

use crate::ModelFailure;

/// The arguments of a call as an object, for the providers that want one, exactly as the model wrote them.
pub(crate) fn arguments(call: &ToolCall) -> Result<&RawValue, ModelFailure> {
    let text = match call.arguments.trim() {
        "" => "{}",
        text => text,
    };
    let object: Option<&RawValue> = serde_json::from_str(text).ok();
    let object = object.filter(|value| value.get().starts_with('{'));
    object.ok_or_else(|| {
        let reason = format!(
            "have a call {:?} of {:?} whose arguments are no JSON object",
            call.id, call.name
        );
        ModelFailure::invalid("messages", reason)
    })
}
