use fascine_message::{Media, MediaSource, Part, Role};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ModelFailure;

/// One part of a message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WirePart<'a> {
    Known(Known<'a>),
    Other(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known<'a> {
    File { file: File<'a> },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    Text { text: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum File<'a> {
    Data {
        filename: &'a str,
        file_data: DataUrl<'a>,
    },
    Id {
        file_id: &'a str,
    },
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'a> {
    url: Address<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Address<'a> {
    Data(DataUrl<'a>),
    Url(&'a str),
}

#[derive(Serialize)]
pub(super) struct InputAudio<'a> {
    data: &'a str,
    format: &'static str,
}

/// A medium in a URL.
pub(crate) struct DataUrl<'a> {
    media_type: &'a str,
    data: &'a str,
}

/// The part, as the API wants it.
pub(super) fn wire_part(part: &Part, role: Role) -> Result<WirePart<'_>, ModelFailure> {
    let what = match part {
        Part::Text { text } => return Ok(WirePart::Known(Known::Text { text })),
        Part::Other { value, .. } => return Ok(WirePart::Other(value)),
        Part::Audio(_) => "a recording",
        Part::Document(_) => "a document",
        Part::Image(_) => "a picture",
        _ => "a part that this API does not have",
    };
    let known = match part {
        _ if role != Role::User => Err(format!("of the {role}")),
        Part::Audio(media) => audio(media),
        Part::Document(media) => document(media),
        Part::Image(media) => image(media),
        _ => Err(String::new()),
    };
    known.map(WirePart::Known).map_err(|why| {
        let reason = format!("have {what} {why}");
        ModelFailure::invalid("messages", reason.trim_end())
    })
}

impl<'a> WirePart<'a> {
    /// The text, if it is no more than that.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Known(Known::Text { text }) => Some(text),
            _ => None,
        }
    }
}

fn image(media: &Media) -> Result<Known<'_>, String> {
    let url = match &media.source {
        MediaSource::Base64(data) => Address::Data(DataUrl::new(media, data)?),
        MediaSource::Url(url) => Address::Url(url),
        _ => return Err("by the id of a file, which this API does not take".to_owned()),
    };
    Ok(Known::ImageUrl {
        image_url: ImageUrl { url },
    })
}

fn document(media: &Media) -> Result<Known<'_>, String> {
    let file = match &media.source {
        MediaSource::Base64(data) => File::Data {
            filename: file_name(media),
            file_data: DataUrl::new(media, data)?,
        },
        MediaSource::File(id) => File::Id { file_id: id },
        _ => return Err("in the web, which this API does not fetch".to_owned()),
    };
    Ok(Known::File { file })
}

fn audio(media: &Media) -> Result<Known<'_>, String> {
    let MediaSource::Base64(data) = &media.source else {
        return Err("that is not here, and this API fetches none".to_owned());
    };
    let format = audio_format(media)?;
    Ok(Known::InputAudio {
        input_audio: InputAudio { data, format },
    })
}

/// The word for the format of a recording.
pub(crate) fn audio_format(media: &Media) -> Result<&'static str, String> {
    match media.media_type.as_str() {
        "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => Ok("wav"),
        "audio/mpeg" | "audio/mp3" => Ok("mp3"),
        other => Err(format!("of type {other:?}, which is neither wav nor mp3")),
    }
}

/// The API wants one.
pub(crate) fn file_name(media: &Media) -> &str {
    media.name.as_deref().unwrap_or("document.pdf")
}

impl<'a> DataUrl<'a> {
    /// Puts `data`, which is of `media`, into a URL.
    pub(crate) fn new(media: &'a Media, data: &'a str) -> Result<Self, String> {
        if media.media_type.is_empty() {
            return Err("without a media type".to_owned());
        }
        Ok(Self {
            media_type: &media.media_type,
            data,
        })
    }
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!(
            "data:{};base64,{}",
            self.media_type, self.data
        ))
    }
}
