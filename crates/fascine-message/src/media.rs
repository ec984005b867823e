use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A picture, a document or a recording in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Media {
    /// What it is, such as `image/png`; empty if only the provider has to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Where it is.
    pub source: MediaSource,
    /// The name of the file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a medium is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaSource {
    /// Here: the bytes in base64 with padding, as providers want them.
    Base64(String),
    /// At the provider, which gave it this id.
    File(String),
    /// In the web.
    Url(String),
}

impl Media {
    /// Takes the medium itself. It is encoded once, now, however often it is sent.
    pub fn from_bytes(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(media_type, MediaSource::Base64(STANDARD.encode(bytes)))
    }

    /// Points to a medium in the web.
    pub fn from_url(media_type: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(media_type, MediaSource::Url(url.into()))
    }

    /// Points to a file that the provider has.
    pub fn from_file_id(media_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self::new(media_type, MediaSource::File(id.into()))
    }

    fn new(media_type: impl Into<String>, source: MediaSource) -> Self {
        Self {
            media_type: media_type.into(),
            source,
            name: None,
        }
    }

    /// Gives it a file name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl fmt::Debug for MediaSource {
    /// Shows how much there is, not what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64(data) => write!(f, "Base64({} bytes)", data.len()),
            Self::File(id) => f.debug_tuple("File").field(id).finish(),
            Self::Url(url) => f.debug_tuple("Url").field(url).finish(),
        }
    }
}
