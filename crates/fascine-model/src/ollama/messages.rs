use fascine_message::{Media, MediaSource, Message, Part, Reasoning, Role, ToolResult};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use crate::ModelFailure;
use crate::wire::{CallNames, Entries, Merged, NO_FIELDS, arguments, as_more_of_part, known};

/// A message, as it is written.
#[derive(Debug, Default, Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thinking: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    /// The place of the call among all.
    #[serde(skip)]
    place: usize,
}

#[derive(Debug)]
struct Call<'a> {
    id: Option<&'a str>,
    function: Function<'a>,
    /// What else there was to it.
    more: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    index: usize,
    name: &'a str,
    arguments: &'a RawValue,
}

impl Serialize for Call<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.more.unwrap_or(&NO_FIELDS))?;
        entries.put_some("id", self.id)?;
        entries.put_merged("function", |more| Merged {
            object: &self.function,
            more,
        })?;
        entries.end()
    }
}

/// Writes the conversation.
pub(super) fn read(messages: &[Message]) -> Result<Vec<WireMessage<'_>>, ModelFailure> {
    let mut written = Vec::with_capacity(messages.len());
    let mut names = CallNames::default();
    for message in messages {
        names.add(message);
        let mut one = WireMessage {
            role: match message.role() {
                Role::Tool => Role::User.as_str(),
                role => role.as_str(),
            },
            ..WireMessage::default()
        };
        for part in message.content() {
            match part {
                // Each result is a message of its own.
                Part::ToolResult(result) => written.push(result_message(result, &names)),
                part => one.add(part)?,
            }
        }
        if !one.is_empty() {
            written.push(one);
        }
    }
    let is_result = |message: &WireMessage<'_>| message.role == Role::Tool.as_str();
    for results in written.chunk_by_mut(|one, next| is_result(one) && is_result(next)) {
        results.sort_by_key(|result| result.place);
    }
    if written.is_empty() {
        return Err(invalid("have nothing in them"));
    }
    Ok(written)
}

fn result_message<'a>(result: &'a ToolResult, names: &CallNames<'a>) -> WireMessage<'a> {
    let called = names.find(&result.call_id);
    WireMessage {
        role: Role::Tool.as_str(),
        content: result.text.clone(),
        tool_name: called.map(|called| called.name),
        tool_call_id: known(&result.call_id),
        place: called.map_or(usize::MAX, |called| called.place),
        ..WireMessage::default()
    }
}

impl<'a> WireMessage<'a> {
    fn add(&mut self, part: &'a Part) -> Result<(), ModelFailure> {
        match part {
            // The server caches by itself.
            Part::CacheMark { .. } => {}
            // What is another provider's means nothing here.
            Part::Other { provider, value } => {
                if let Some(call) = self.tool_calls.last_mut().filter(|_| provider == NAME) {
                    call.more = as_more_of_part(value);
                }
            }
            Part::Image(media) => self.images.push(image(media)?),
            Part::Reasoning(reasoning) if is_ours(reasoning) => {
                self.thinking.push_str(&reasoning.text);
            }
            Part::Reasoning(_) => {}
            Part::Text { text } => self.content.push_str(text),
            Part::ToolCall(call) => {
                let function = Function {
                    index: self.tool_calls.len(),
                    name: &call.name,
                    arguments: arguments(call)?,
                };
                let id = known(&call.id);
                self.tool_calls.push(Call {
                    id,
                    function,
                    more: None,
                });
            }
            _ => {
                let reason = "have a part that this API has no place for: a document, audio";
                return Err(invalid(reason));
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        let silent = self.content.is_empty() && self.thinking.is_empty();
        silent && self.images.is_empty() && self.tool_calls.is_empty()
    }
}

/// Thoughts without a seal, which any model can read.
fn is_ours(reasoning: &Reasoning) -> bool {
    match reasoning.provider.as_str() {
        "" => {
            let sealed = reasoning.signature.is_some() || reasoning.encrypted.is_some();
            reasoning.id.is_empty() && !sealed
        }
        provider => provider == NAME,
    }
}

fn image(media: &Media) -> Result<&str, ModelFailure> {
    match &media.source {
        MediaSource::Base64(data) => Ok(data),
        _ => Err(invalid(
            "have a picture that the server would have to fetch",
        )),
    }
}

fn invalid(reason: &str) -> ModelFailure {
    ModelFailure::invalid("messages", reason)
}
