use fascine_message::ToolResult;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::media::Source;

/// A block of a message or of the system prompt, as it is written.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind<'a>,
    /// Further fields that came with it.
    pub(super) more: Option<&'a Map<String, Value>>,
    pub(super) cache_control: Option<CacheControl<'a>>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Document {
        source: Source<'a>,
        title: Option<&'a str>,
    },
    Image(Source<'a>),
    Other(&'a Map<String, Value>),
    RedactedThinking(&'a str),
    Text(&'a str),
    Thinking {
        text: &'a str,
        signature: &'a str,
    },
    ToolResult(&'a ToolResult),
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
}

/// A mark: what comes up to here will come again.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename = "ephemeral")]
pub(super) struct CacheControl<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<&'a str>,
}

impl<'a> Block<'a> {
    pub(super) fn new(kind: Kind<'a>) -> Self {
        Self {
            kind,
            more: None,
            cache_control: None,
        }
    }

    /// Whether the API takes a mark on it.
    pub(super) fn can_be_marked(&self) -> bool {
        !matches!(self.kind, Kind::RedactedThinking(_) | Kind::Thinking { .. })
    }

    pub(super) fn is_tool_result(&self) -> bool {
        matches!(self.kind, Kind::ToolResult(_))
    }

    /// The text, if there is nothing else to it.
    pub(super) fn plain_text(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Text(text) if self.more.is_none() && self.cache_control.is_none() => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        match &self.kind {
            Kind::Document { source, title } => {
                object.serialize_entry("type", "document")?;
                object.serialize_entry("source", source)?;
                if let Some(title) = title {
                    object.serialize_entry("title", title)?;
                }
            }
            Kind::Image(source) => {
                object.serialize_entry("type", "image")?;
                object.serialize_entry("source", source)?;
            }
            Kind::Other(fields) => {
                for (name, value) in fields.iter() {
                    // A mark is set anew with each request, or not at all.
                    if name != "cache_control" || self.cache_control.is_none() {
                        object.serialize_entry(name, value)?;
                    }
                }
            }
            Kind::RedactedThinking(data) => {
                object.serialize_entry("type", "redacted_thinking")?;
                object.serialize_entry("data", data)?;
            }
            Kind::Text(text) => {
                object.serialize_entry("type", "text")?;
                object.serialize_entry("text", text)?;
            }
            Kind::Thinking { text, signature } => {
                object.serialize_entry("type", "thinking")?;
                object.serialize_entry("thinking", text)?;
                object.serialize_entry("signature", signature)?;
            }
            Kind::ToolResult(result) => {
                object.serialize_entry("type", "tool_result")?;
                object.serialize_entry("tool_use_id", &result.call_id)?;
                if !result.text.is_empty() {
                    object.serialize_entry("content", &result.text)?;
                }
                if result.is_error {
                    object.serialize_entry("is_error", &true)?;
                }
            }
            Kind::ToolUse { id, name, input } => {
                object.serialize_entry("type", "tool_use")?;
                object.serialize_entry("id", id)?;
                object.serialize_entry("name", name)?;
                object.serialize_entry("input", input)?;
            }
        }
        for (name, value) in self.more.into_iter().flatten() {
            object.serialize_entry(name, value)?;
        }
        if let Some(mark) = &self.cache_control {
            object.serialize_entry("cache_control", mark)?;
        }
        object.end()
    }
}
