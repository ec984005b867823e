//! Pictures, recordings and documents, as OpenAI's messages have them.

use fascine_message::{Media, MediaSource, Part, Role};
use serde_json::{Value, json};

/// A part, and what of it has no place there.
pub(super) struct Written {
    pub(super) value: Value,
    pub(super) lost: Option<&'static str>,
}

/// The part, or what is lost with it.
pub(super) fn write(part: &Part, role: Role) -> Result<Written, &'static str> {
    match part {
        Part::Audio(_) | Part::Document(_) | Part::Image(_) if role != Role::User => {
            Err("a medium that is not the user's")
        }
        Part::Audio(media) => audio(media),
        Part::CacheMark { .. } => Err("a mark for a provider's cache"),
        Part::Document(media) => document(media),
        Part::Image(media) => image(media),
        Part::Other { .. } => Err("a part that only one provider has"),
        Part::Reasoning(_) => Err("what the model thought"),
        _ => Err("a part of a kind that the format does not have"),
    }
}

fn image(media: &Media) -> Result<Written, &'static str> {
    let url = match &media.source {
        MediaSource::Base64(data) => data_url(media, data)?,
        MediaSource::Url(url) => url.clone(),
        _ => return Err("a picture by the id of a file"),
    };
    Ok(Written {
        value: json!({"type": "image_url", "image_url": {"url": url}}),
        lost: media.name.as_ref().map(|_| "the name of a picture"),
    })
}

fn audio(media: &Media) -> Result<Written, &'static str> {
    let MediaSource::Base64(data) = &media.source else {
        return Err("a recording that is elsewhere");
    };
    let format = match media.media_type.as_str() {
        "audio/wav" => "wav",
        "audio/mpeg" => "mp3",
        _ => return Err("a recording that is neither audio/wav nor audio/mpeg"),
    };
    Ok(Written {
        value: json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}),
        lost: media.name.as_ref().map(|_| "the name of a recording"),
    })
}

fn document(media: &Media) -> Result<Written, &'static str> {
    let mut file = match &media.source {
        MediaSource::Base64(data) => json!({"file_data": data_url(media, data)?}),
        MediaSource::File(id) => json!({"file_id": id}),
        _ => return Err("a document in the web"),
    };
    if let Some(name) = &media.name {
        file["filename"] = Value::from(name.as_str());
    }
    Ok(Written {
        value: json!({"type": "file", "file": file}),
        lost: None,
    })
}

fn data_url(media: &Media, data: &str) -> Result<String, &'static str> {
    match media.media_type.as_str() {
        "" => Err("a medium without a type"),
        media_type => Ok(format!("data:{media_type};base64,{data}")),
    }
}

/// Reads a URL that holds the medium itself, in base64.
fn from_data_url(url: &str) -> Option<Media> {
    let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let mut media = Media::from_bytes(media_type, &[]);
    media.source = MediaSource::Base64(data.to_owned());
    Some(media)
}

/// Reads the URL of a picture.
pub(super) fn read_image(url: &str) -> Result<Media, &'static str> {
    match url.starts_with("data:") {
        true => from_data_url(url).ok_or("is a data URL without `;base64,`"),
        false => Ok(Media::from_url("", url)),
    }
}

/// Reads a recording of a format.
pub(super) fn read_audio(data: &str, format: &str) -> Result<Media, &'static str> {
    let media_type = match format {
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        _ => return Err("has a `format` that is neither wav nor mp3"),
    };
    let mut media = Media::from_bytes(media_type, &[]);
    media.source = MediaSource::Base64(data.to_owned());
    Ok(media)
}

/// Reads a document, by its data or its id.
pub(super) fn read_document(
    data: Option<&str>,
    id: Option<&str>,
    name: Option<&str>,
) -> Result<Media, &'static str> {
    let media = match (data, id) {
        (Some(data), None) => from_data_url(data).ok_or("has a `file_data` that is no data URL")?,
        (None, Some(id)) => Media::from_file_id("", id),
        _ => return Err("needs either `file_data` or `file_id`"),
    };
    Ok(name.into_iter().fold(media, Media::with_name))
}
