use fascine_message::{Message, Part, Role};

use super::TranscriptError;

/// Each tool call has its result before anything else is said, and each result its call.
pub(super) fn check(messages: &[Message]) -> Result<(), TranscriptError> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message.role() != Role::Tool {
            all_answered(&open)?;
        }
        for part in message.content() {
            match part {
                Part::ToolCall(call) => open.push((index, &call.id)),
                Part::ToolResult(result) => {
                    let call = open.iter().position(|(_, id)| *id == result.call_id);
                    let call = call.ok_or_else(|| {
                        let reason = format!("{:?} is of no call before it", result.call_id);
                        TranscriptError::invalid(index, "tool_call_id", reason)
                    })?;
                    open.remove(call);
                }
                _ => {}
            }
        }
    }
    all_answered(&open)
}

fn all_answered(open: &[(usize, &str)]) -> Result<(), TranscriptError> {
    match open.first() {
        None => Ok(()),
        Some((index, id)) => {
            let reason = format!("has the call {id:?}, which no message answers");
            Err(TranscriptError::invalid(*index, "tool_calls", reason))
        }
    }
}
