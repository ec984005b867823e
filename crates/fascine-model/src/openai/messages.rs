//! A conversation, as the API wants it: borrowed, and written without a tree in between.

use std::borrow::Cow;

use fascine_message::{Message, Part, Reasoning, Role, ToolCall, ToolResult};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::parts::{WirePart, wire_part};
use crate::ModelFailure;
use crate::wire::{Entries, NO_FIELDS};

/// One message of the document.
pub(super) struct WireMessage<'a> {
    role: &'a str,
    answers: Option<&'a str>,
    content: WireContent<'a>,
    reasoning: Option<(&'static str, Cow<'a, str>)>,
    audio: Option<&'a str>,
    calls: Vec<&'a ToolCall>,
    /// Fields of the provider's own.
    fields: Vec<&'a Map<String, Value>>,
}

enum WireContent<'a> {
    Null,
    Parts(Vec<WirePart<'a>>),
    Text(Cow<'a, str>),
}

/// The messages that a message becomes, added to `messages`. Tool results are messages of their own, one each.
///
/// # Errors
///
/// [`ModelFailure::InvalidRequest`] for a part that has no place in this API, or none with this author.
pub(super) fn write<'a>(
    message: &'a Message,
    dialect: &Dialect,
    provider: &str,
    messages: &mut Vec<WireMessage<'a>>,
) -> Result<(), ModelFailure> {
    let invalid = |reason: &str| ModelFailure::invalid("messages", reason);
    let role = message.role();
    let mut written = WireMessage::new(match role {
        Role::System => dialect.system,
        role => role.as_str(),
    });
    let mut parts = Vec::new();
    let mut results = Vec::new();
    let mut thought = Vec::new();
    for part in message.content() {
        match part {
            Part::CacheMark { .. } => {}
            Part::Other {
                provider: owner, ..
            } if owner != provider => {}
            // Of the message, not a part of it.
            Part::Other { value, .. } if value.get("type").is_none() => {
                written.fields.extend(value.as_object());
            }
            Part::Reasoning(reasoning) if is_foreign(reasoning, provider) => {}
            Part::Reasoning(reasoning) => thought.push(reasoning.text.as_str()),
            Part::ToolCall(call) if role == Role::Assistant => written.calls.push(call),
            Part::ToolCall(_) => return Err(invalid("have a tool call that is not the model's")),
            Part::ToolResult(result) => results.push(WireMessage::result(result)),
            Part::Audio(media) if role == Role::Assistant => match &media.name {
                Some(id) => written.audio = Some(id),
                None => return Err(invalid("have a recording of the model without its id")),
            },
            part => parts.push(wire_part(part, role)?),
        }
    }
    if role == Role::Tool && (results.is_empty() || !parts.is_empty()) {
        return Err(invalid("have a tool's message that answers no call"));
    }
    // What the model thought is wanted back only with the calls that came of it.
    if let Some(name) = dialect.reasoning.name()
        && !written.calls.is_empty()
    {
        let text = joined(&thought);
        written.reasoning = (!text.is_empty()).then_some((name, text));
    }
    let says_nothing = parts.is_empty() && written.calls.is_empty() && written.audio.is_none();
    let is_results_alone = says_nothing && !results.is_empty();
    written.content = content(parts, says_nothing);
    match role {
        _ if is_results_alone => messages.append(&mut results),
        // A model calls before it is answered; whoever answers does so before anything else is said.
        Role::Assistant => {
            messages.push(written);
            messages.append(&mut results);
        }
        _ => {
            messages.append(&mut results);
            messages.push(written);
        }
    }
    Ok(())
}

/// Text alone is a text: not everybody reads lists.
fn content(parts: Vec<WirePart<'_>>, says_nothing: bool) -> WireContent<'_> {
    if parts.is_empty() && !says_nothing {
        return WireContent::Null;
    }
    let texts: Option<Vec<&str>> = parts.iter().map(WirePart::as_text).collect();
    match texts {
        Some(texts) => WireContent::Text(joined(&texts)),
        None => WireContent::Parts(parts),
    }
}

fn joined<'a>(texts: &[&'a str]) -> Cow<'a, str> {
    match texts {
        [text] => Cow::Borrowed(text),
        texts => Cow::Owned(texts.concat()),
    }
}

impl<'a> WireMessage<'a> {
    fn new(role: &'a str) -> Self {
        Self {
            role,
            answers: None,
            content: WireContent::Null,
            reasoning: None,
            audio: None,
            calls: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn result(result: &'a ToolResult) -> Self {
        Self {
            answers: Some(&result.call_id),
            content: WireContent::Text(Cow::Borrowed(&result.text)),
            ..Self::new(Role::Tool.as_str())
        }
    }
}

impl Serialize for WireMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role)?;
        if let Some(id) = self.answers {
            map.serialize_entry("tool_call_id", id)?;
        }
        if let Some((name, text)) = &self.reasoning {
            map.serialize_entry(name, text)?;
        }
        match &self.content {
            WireContent::Null => map.serialize_entry("content", &())?,
            WireContent::Parts(parts) => map.serialize_entry("content", parts)?,
            WireContent::Text(text) => map.serialize_entry("content", text)?,
        }
        if let Some(id) = self.audio {
            map.serialize_entry("audio", &Named { id })?;
        }
        if !self.calls.is_empty() {
            let calls = self.calls.iter().map(|call| WireCall {
                call,
                fields: self.fields_of(&call.id),
            });
            map.serialize_entry(TOOL_CALLS, &calls.collect::<Vec<_>>())?;
        }
        for (name, value) in self.fields.iter().copied().flatten() {
            if name != TOOL_CALLS {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl<'a> WireMessage<'a> {
    /// The fields of the provider's own in the call with this id.
    fn fields_of(&self, id: &str) -> Option<&'a Map<String, Value>> {
        let lists = self
            .fields
            .iter()
            .filter_map(|fields| fields.get(TOOL_CALLS)?.as_array());
        let mut calls = lists.flatten().filter_map(Value::as_object);
        calls.find(|call| call.get("id").and_then(Value::as_str) == Some(id))
    }
}

const TOOL_CALLS: &str = "tool_calls";

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
}

struct WireCall<'a> {
    call: &'a ToolCall,
    /// What else the provider said of it.
    fields: Option<&'a Map<String, Value>>,
}

impl Serialize for WireCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.fields.unwrap_or(&NO_FIELDS))?;
        entries.put("id", &self.call.id)?;
        entries.put("type", "function")?;
        // A call of another type is of no function.
        let is_function = self
            .fields
            .is_none_or(|fields| !fields.contains_key("type"));
        if is_function || !self.call.name.is_empty() {
            entries.put_merged("function", |fields| WireFunction {
                call: self.call,
                fields,
            })?;
        }
        entries.end()
    }
}

struct WireFunction<'a> {
    call: &'a ToolCall,
    fields: &'a Map<String, Value>,
}

impl Serialize for WireFunction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.fields)?;
        entries.put("name", &self.call.name)?;
        entries.put("arguments", arguments(self.call))?;
        entries.end()
    }
}

/// Whether another provider is known to have thought it.
pub(crate) fn is_foreign(reasoning: &Reasoning, provider: &str) -> bool {
    !reasoning.provider.is_empty() && reasoning.provider != provider
}

/// No arguments are an empty object of them.
pub(crate) fn arguments(call: &ToolCall) -> &str {
    match call.arguments.trim() {
        "" => "{}",
        _ => &call.arguments,
    }
}
