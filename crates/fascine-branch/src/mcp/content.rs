//! What a server gives a model to read.

use fascine_message::{Media, MediaSource, Part};
use serde::Deserialize;
use serde_json::Value;

use crate::ToolError;
use crate::mcp::McpContents;

/// One piece of it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    Audio(Blob),
    Image(Blob),
    Resource {
        resource: McpContents,
    },
    ResourceLink {
        uri: String,
    },
    Text {
        text: String,
    },
    /// Of a later version of the protocol.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blob {
    data: String,
    #[serde(default)]
    mime_type: String,
}

impl Blob {
    fn media(self) -> Media {
        let mut media = Media::from_url(self.mime_type, "");
        media.source = MediaSource::Base64(self.data);
        media
    }
}

impl Block {
    /// Makes it a part of a message.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Audio(blob) => Part::Audio(blob.media()),
            Self::Image(blob) => Part::Image(blob.media()),
            text => Part::text(text.text()),
        }
    }

    /// The result of a tool is text: of what is none it says what it is.
    fn text(self) -> String {
        match self {
            Self::Audio(blob) => absent("audio", &blob),
            Self::Image(blob) => absent("image", &blob),
            Self::Resource { resource } => resource.into_text(),
            Self::ResourceLink { uri } => uri,
            Self::Text { text } => text,
            Self::Unknown => "[content of a kind that is not known here]".to_owned(),
        }
    }
}

fn absent(what: &str, blob: &Blob) -> String {
    let bytes = blob.data.len() / 4 * 3;
    format!(
        "[{what} of type {}, about {bytes} bytes, not shown]",
        blob.mime_type
    )
}

/// Reads the result of a tool: what is structured as it is, else the text.
pub(crate) fn tool_result(result: Value) -> Result<Value, ToolError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Called {
        #[serde(default)]
        content: Vec<Block>,
        structured_content: Option<Value>,
        #[serde(default)]
        is_error: bool,
    }
    let called: Called = serde_json::from_value(result).map_err(ToolError::failed)?;
    let text = || {
        let blocks = called.content.into_iter().map(Block::text);
        blocks.collect::<Vec<_>>().join("\n")
    };
    match (called.is_error, called.structured_content) {
        (true, _) => Err(ToolError::failed(text())),
        (false, Some(structured)) if !structured.is_null() => Ok(structured),
        (false, _) => Ok(Value::String(text())),
    }
}
