use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fascine_message::{Media, MediaSource};
use serde::Serialize;

use crate::ModelFailure;

/// Where a medium is, in the API's words.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Source<'a> {
    Base64 {
        media_type: &'a str,
        data: &'a str,
    },
    File {
        file_id: &'a str,
    },
    Text {
        media_type: &'static str,
        data: String,
    },
    Url {
        url: &'a str,
    },
}

impl<'a> Source<'a> {
    pub(super) fn image(media: &'a Media) -> Result<Self, ModelFailure> {
        match &media.source {
            MediaSource::Base64(_) if media.media_type.is_empty() => Err(invalid(
                "have a picture of which nobody says what type it is",
            )),
            MediaSource::Base64(data) => Ok(Self::Base64 {
                media_type: &media.media_type,
                data,
            }),
            MediaSource::File(file_id) => Ok(Self::File { file_id }),
            MediaSource::Url(url) => Ok(Self::Url { url }),
            _ => Err(invalid("have a picture from where this API takes none")),
        }
    }

    /// Text is sent as it is: only other documents go in base64.
    pub(super) fn document(media: &'a Media) -> Result<Self, ModelFailure> {
        match &media.source {
            MediaSource::Base64(data) if media.media_type.starts_with("text/") => {
                let bytes = STANDARD.decode(data).ok();
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                let data = text.ok_or_else(|| invalid("have a document of text that is none"))?;
                Ok(Self::Text {
                    media_type: "text/plain",
                    data,
                })
            }
            MediaSource::Base64(_) if media.media_type.is_empty() => Err(invalid(
                "have a document of which nobody says what type it is",
            )),
            _ => Self::image(media),
        }
    }
}

fn invalid(reason: &str) -> ModelFailure {
    ModelFailure::invalid("messages", reason)
}
