//! Messages, as the items that this API makes of them.

use fascine_message::{Message, Part, Reasoning, Role};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::input::{InputPart, input_part};
use crate::ModelFailure;
use crate::openai::{arguments, is_foreign};

/// One item of the input.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item<'a> {
    Known {
        #[serde(flatten)]
        known: Known<'a>,
        /// What else the provider said of it.
        #[serde(flatten)]
        fields: Fields<'a>,
    },
    Other(&'a Value),
}

/// The fields of an item that are of the provider's own.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields<'a>(Option<&'a Map<String, Value>>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.into_iter().flatten();
        // These say which item it is.
        serializer.collect_map(fields.filter(|(name, _)| *name != CALL_ID && *name != ID))
    }
}

const CALL_ID: &str = "call_id";
const ID: &str = "id";

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
        fields: Fields::default(),
        items,
    };
    let fields_of = |field: &str, name: &str| {
        let others = message.content().iter().filter_map(|part| match part {
            Part::Other {
                provider: owner,
                value,
            } if owner == provider => value.as_object(),
            _ => None,
        });
        let named = |fields: &&Map<String, Value>| {
            !fields.contains_key("type") && fields.get(field).and_then(Value::as_str) == Some(name)
        };
        Fields(others.into_iter().find(named))
    };
    for part in message.content() {
        match part {
            Part::CacheMark { .. } => {}
            Part::Other {
                provider: owner, ..
            } if owner != provider => {}
            // Of an item, not one: of that with this name, of the message before, or of the one that follows.
            Part::Other { value, .. } if value.get("type").is_none() => match value.get("phase") {
                _ if value.get(CALL_ID).or(value.get(ID)).is_some() => {}
                None => {
                    writer.fields = Fields(value.as_object());
                    writer.end_message();
                }
                phase => {
                    writer.end_message();
                    writer.phase = phase;
                }
            },
            Part::Other { value, .. } => writer.item(Item::Other(value)),
            Part::Reasoning(reasoning) if is_foreign(reasoning, provider) => {}
            Part::Reasoning(reasoning) => {
                writer.reasoning(reasoning, fields_of(ID, &reasoning.id));
            }
            Part::ToolCall(call) if role == Role::Assistant => {
                let known = Known::FunctionCall {
                    call_id: &call.id,
                    name: &call.name,
                    arguments: arguments(call),
                };
                let fields = fields_of(CALL_ID, &call.id);
                writer.item(Item::Known { known, fields });
            }
            Part::ToolCall(_) => return Err(invalid("have a tool call that is not the model's")),
            Part::ToolResult(result) => writer.item(Item::Known {
                known: Known::FunctionCallOutput {
                    call_id: &result.call_id,
                    output: &result.text,
                },
                fields: Fields::default(),
            }),
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
    fields: Fields<'a>,
    items: &'b mut Vec<Item<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn item(&mut self, item: Item<'a>) {
        self.end_message();
        self.items.push(item);
    }

    fn end_message(&mut self) {
        let content = std::mem::take(&mut self.content);
        let fields = std::mem::take(&mut self.fields);
        if !content.is_empty() {
            let known = Known::Message {
                role: self.role,
                content,
                phase: self.phase.take(),
            };
            self.items.push(Item::Known { known, fields });
        }
    }

    /// What can be read again is only what this API has sealed; the rest is meant for people.
    fn reasoning(&mut self, reasoning: &'a Reasoning, fields: Fields<'a>) {
        if let Some(encrypted_content) = &reasoning.encrypted
            && !reasoning.id.is_empty()
        {
            let text = Some(reasoning.text.as_str()).filter(|text| !text.is_empty());
            let known = Known::Reasoning {
                id: &reasoning.id,
                summary: text.map(|text| Summary { text }).into_iter().collect(),
                encrypted_content,
            };
            self.item(Item::Known { known, fields });
        }
    }
}
