//! Messages, as the items that this API makes of them.

use fascine_message::{Message, Part, Reasoning, Role};
use serde::Serialize;
use serde_json::Value;

use super::input::{InputPart, input_part};
use crate::ModelFailure;
use crate::openai::{arguments, is_foreign};

/// One item of the input.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item<'a> {
    Known(Known<'a>),
    Other(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known<'a> {
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: &'a str,
    },
    Message {
        role: &'a str,
        content: Vec<InputPart<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'a Value>,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<Summary<'a>>,
        encrypted_content: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub(super) struct Summary<'a> {
    text: &'a str,
}

/// Adds the items of a message to `items`, in the order of its parts.
///
/// # Errors
///
/// [`ModelFailure::InvalidRequest`] for a part that has no place in this API, or none with this author.
pub(super) fn write<'a>(
    message: &'a Message,
    provider: &str,
    items: &mut Vec<Item<'a>>,
) -> Result<(), ModelFailure> {
    let invalid = |reason: &str| ModelFailure::invalid("messages", reason);
    let role = message.role();
    let mut writer = Writer {
        role: role.as_str(),
        content: Vec::new(),
        phase: None,
        items,
    };
    for part in message.content() {
        match part {
            Part::CacheMark { .. } => {}
            Part::Other {
                provider: owner, ..
            } if owner != provider => {}
            // Of a message of the model, not an item: what stage of the work the text that follows is.
            Part::Other { value, .. } if value.get("type").is_none() => {
                writer.end_message();
                writer.phase = value.get("phase");
            }
            Part::Other { value, .. } => writer.item(Item::Other(value)),
            Part::Reasoning(reasoning) if is_foreign(reasoning, provider) => {}
            Part::Reasoning(reasoning) => writer.reasoning(reasoning),
            Part::ToolCall(call) if role == Role::Assistant => {
                writer.item(Item::Known(Known::FunctionCall {
                    call_id: &call.id,
                    name: &call.name,
                    arguments: arguments(call),
                }));
            }
            Part::ToolCall(_) => return Err(invalid("have a tool call that is not the model's")),
            Part::ToolResult(result) => writer.item(Item::Known(Known::FunctionCallOutput {
                call_id: &result.call_id,
                output: &result.text,
            })),
            _ if role == Role::Tool => {
                return Err(invalid("have a tool's message that answers no call"));
            }
            part => writer.content.push(input_part(part, role)?),
        }
    }
    writer.end_message();
    Ok(())
}

struct Writer<'a, 'b> {
    role: &'a str,
    content: Vec<InputPart<'a>>,
    phase: Option<&'a Value>,
    items: &'b mut Vec<Item<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn item(&mut self, item: Item<'a>) {
        self.end_message();
        self.items.push(item);
    }

    fn end_message(&mut self) {
        let content = std::mem::take(&mut self.content);
        if !content.is_empty() {
            self.items.push(Item::Known(Known::Message {
                role: self.role,
                content,
                phase: self.phase.take(),
            }));
        }
    }

    /// What can be read again is only what this API has sealed; the rest is meant for people.
    fn reasoning(&mut self, reasoning: &'a Reasoning) {
        if let Some(encrypted_content) = &reasoning.encrypted
            && !reasoning.id.is_empty()
        {
            let text = Some(reasoning.text.as_str()).filter(|text| !text.is_empty());
            self.item(Item::Known(Known::Reasoning {
                id: &reasoning.id,
                summary: text.map(|text| Summary { text }).into_iter().collect(),
                encrypted_content,
            }));
        }
    }
}
