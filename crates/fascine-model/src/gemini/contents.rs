use fascine_message::{Message, Part, Reasoning, Role, ToolResult};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::NAME;
use super::wire_part::{FunctionCall, FunctionResponse, Outcome, Own, WirePart};
use crate::ModelFailure;
use crate::wire::{CallNames, arguments, as_more_of_part, known};

/// A conversation in the API's order: the system's instruction apart.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system: Content<'a>,
    pub(super) contents: Vec<Content<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    role: &'static str,
    pub(super) parts: Vec<WirePart<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn read(messages: &'a [Message]) -> Result<Self, ModelFailure> {
        let mut conversation = Self {
            system: Content::new(""),
            contents: Vec::new(),
        };
        let mut names = CallNames::default();
        let mut before = None;
        for message in messages {
            names.add(message);
            let mut writer = PartWriter {
                role: message.role(),
                names: &names,
                seal: None,
                has_part: false,
                parts: Vec::new(),
            };
            for part in message.content() {
                writer.has_part = writer.add(part)?;
            }
            writer.put_down_seal();
            let parts = writer.parts;
            if parts.is_empty() {
                continue;
            }
            match (message.role(), conversation.contents.last_mut()) {
                (Role::System, _) => conversation.system.parts.extend(parts),
                // All results of a turn belong together.
                (Role::Tool, Some(last)) if before == Some(Role::Tool) => last.parts.extend(parts),
                (role, _) => {
                    let role = match role {
                        Role::Assistant => "model",
                        _ => "user",
                    };
                    conversation.contents.push(Content { role, parts });
                }
            }
            if message.role() != Role::System {
                before = Some(message.role());
            }
        }
        for content in &mut conversation.contents {
            // Whatever was done first, the results go in the order of the calls.
            if content.parts.iter().all(|part| part.place().is_some()) {
                content.parts.sort_by_key(WirePart::place);
            }
        }
        if conversation.contents.is_empty() {
            let reason = "have nothing in them but what the system says";
            return Err(ModelFailure::invalid("messages", reason));
        }
        Ok(conversation)
    }
}

impl Content<'_> {
    fn new(role: &'static str) -> Self {
        Self {
            role,
            parts: Vec::new(),
        }
    }
}

/// Writes the parts of a message.
struct PartWriter<'n, 'a> {
    role: Role,
    names: &'n CallNames<'a>,
    /// A seal that waits for the part it belongs on.
    seal: Option<&'a str>,
    /// Whether the part before has been written, so that more fields can go to it.
    has_part: bool,
    parts: Vec<WirePart<'a>>,
}

impl<'a> PartWriter<'_, 'a> {
    /// Adds a part, and says whether it has been written.
    fn add(&mut self, part: &'a Part) -> Result<bool, ModelFailure> {
        let own = match part {
            Part::CacheMark { .. } => return Ok(false),
            Part::Other { provider, value } => {
                // What is somebody else's means nothing here.
                return Ok(provider == NAME && self.own(value));
            }
            Part::Reasoning(reasoning) => return Ok(self.reasoning(reasoning)),
            Part::Text { text } if text.is_empty() && self.seal.is_none() => return Ok(false),
            Part::Text { text } => Own::text(text),
            _ if self.role == Role::System => {
                let reason = "have a part in a message of the system that is not text";
                return Err(ModelFailure::invalid("messages", reason));
            }
            Part::Audio(media) | Part::Document(media) | Part::Image(media) => Own::media(media)?,
            Part::ToolCall(call) => Own {
                function_call: Some(FunctionCall {
                    id: known(&call.id),
                    name: &call.name,
                    args: arguments(call)?,
                }),
                ..Own::default()
            },
            Part::ToolResult(result) => self.result(result)?,
            _ => {
                let reason = "have a part that this API has no place for";
                return Err(ModelFailure::invalid("messages", reason));
            }
        };
        let thought_signature = self.seal.take();
        self.parts.push(WirePart::Own(Own {
            thought_signature,
            ..own
        }));
        Ok(true)
    }

    /// Adds a part of a kind that only this provider has, or what else there was to the part before.
    fn own(&mut self, value: &'a Value) -> bool {
        if let Some(more) = as_more_of_part(value) {
            if self.has_part
                && let Some(WirePart::Own(own)) = self.parts.last_mut()
            {
                own.more = Some(more);
            }
            return self.has_part;
        }
        if let Some(fields) = value.as_object() {
            self.put_down_seal();
            self.parts.push(WirePart::Other(fields));
        }
        value.is_object()
    }

    /// Thoughts go back if they are this provider's; a seal without text waits for the part that follows.
    fn reasoning(&mut self, reasoning: &'a Reasoning) -> bool {
        let seal = reasoning.signature.as_deref();
        let ours = match reasoning.provider.as_str() {
            "" => reasoning.id.is_empty() && seal.is_some(),
            provider => provider == NAME,
        };
        if !ours {
            return false;
        }
        self.put_down_seal();
        if reasoning.text.is_empty() {
            self.seal = seal;
            return false;
        }
        self.parts.push(WirePart::Own(Own {
            thought: Some(true),
            thought_signature: seal,
            ..Own::text(&reasoning.text)
        }));
        true
    }

    /// A seal that has no part to be on came on an empty one.
    fn put_down_seal(&mut self) {
        if let Some(seal) = self.seal.take() {
            self.parts.push(WirePart::Own(Own {
                thought_signature: Some(seal),
                ..Own::text("")
            }));
        }
    }

    fn result(&self, result: &'a ToolResult) -> Result<Own<'a>, ModelFailure> {
        let called = self.names.find(&result.call_id).ok_or_else(|| {
            let reason = format!("have a result of {:?}, a call nobody made", result.call_id);
            ModelFailure::invalid("messages", reason)
        })?;
        let object = serde_json::from_str::<&RawValue>(&result.text).ok();
        let response = match object.filter(|value| value.get().starts_with('{')) {
            _ if result.is_error => Outcome::Error(&result.text),
            Some(object) => Outcome::Object(object),
            None => Outcome::Result(&result.text),
        };
        Ok(Own {
            function_response: Some(FunctionResponse {
                place: called.place,
                id: known(&result.call_id),
                name: called.name,
                response,
            }),
            ..Own::default()
        })
    }
}
