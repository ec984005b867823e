use fascine_message::{Media, MediaSource, Part, Role};
use serde::Serialize;

use crate::ModelFailure;
use crate::openai::{DataUrl, audio_format, file_name};

/// One part of a message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum InputPart<'a> {
    InputAudio { input_audio: InputAudio<'a> },
    InputFile(File<'a>),
    InputImage(Image<'a>),
    InputText { text: &'a str },
    OutputText { text: &'a str },
}

#[derive(Serialize)]
pub(super) struct InputAudio<'a> {
    data: &'a str,
    format: &'static str,
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
    Url {
        file_url: &'a str,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Image<'a> {
    Data { image_url: DataUrl<'a> },
    Id { file_id: &'a str },
    Url { image_url: &'a str },
}

/// The part, as the API wants it.
pub(super) fn input_part(part: &Part, role: Role) -> Result<InputPart<'_>, ModelFailure> {
    let what = match part {
        Part::Text { text } if role == Role::Assistant => {
            return Ok(InputPart::OutputText { text });
        }
        Part::Text { text } => return Ok(InputPart::InputText { text }),
        Part::Audio(_) => "a recording",
        Part::Document(_) => "a document",
        Part::Image(_) => "a picture",
        _ => "a part that this API does not have",
    };
    let written = match part {
        _ if role != Role::User => Err(format!("of the {role}")),
        Part::Audio(media) => audio(media),
        Part::Document(media) => document(media).map(InputPart::InputFile),
        Part::Image(media) => image(media).map(InputPart::InputImage),
        _ => Err(String::new()),
    };
    written.map_err(|why| {
        let reason = format!("have {what} {why}");
        ModelFailure::invalid("messages", reason.trim_end())
    })
}

fn image(media: &Media) -> Result<Image<'_>, String> {
    match &media.source {
        MediaSource::Base64(data) => Ok(Image::Data {
            image_url: DataUrl::new(media, data)?,
        }),
        MediaSource::File(file_id) => Ok(Image::Id { file_id }),
        MediaSource::Url(image_url) => Ok(Image::Url { image_url }),
        _ => Err("that is nowhere this API looks".to_owned()),
    }
}

fn document(media: &Media) -> Result<File<'_>, String> {
    match &media.source {
        MediaSource::Base64(data) => Ok(File::Data {
            filename: file_name(media),
            file_data: DataUrl::new(media, data)?,
        }),
        MediaSource::File(file_id) => Ok(File::Id { file_id }),
        MediaSource::Url(file_url) => Ok(File::Url { file_url }),
        _ => Err("that is nowhere this API looks".to_owned()),
    }
}

fn audio(media: &Media) -> Result<InputPart<'_>, String> {
    let MediaSource::Base64(data) = &media.source else {
        return Err("that is not here, and this API fetches none".to_owned());
    };
    let format = audio_format(media)?;
    Ok(InputPart::InputAudio {
        input_audio: InputAudio { data, format },
    })
}
