use fascine_message::{Media, MediaSource};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ModelFailure;
use crate::wire::{Entries, Merged, NO_FIELDS};

/// What a part of a message is, as it is written, with the seal that belongs on it.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are of the large one")]
pub(super) enum WirePart<'a> {
    Other(&'a Map<String, Value>),
    Own(Own<'a>),
}

#[derive(Debug, Default)]
pub(super) struct Own<'a> {
    pub(super) thought: Option<bool>,
    pub(super) text: Option<&'a str>,
    pub(super) inline_data: Option<InlineData<'a>>,
    pub(super) file_data: Option<FileData<'a>>,
    pub(super) function_call: Option<FunctionCall<'a>>,
    pub(super) function_response: Option<FunctionResponse<'a>>,
    pub(super) thought_signature: Option<&'a str>,
    /// What else there was to it.
    pub(super) more: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    mime_type: &'a str,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) args: &'a RawValue,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionResponse<'a> {
    /// The place of the call among all.
    #[serde(skip)]
    pub(super) place: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) response: Outcome<'a>,
}

/// What came of a call: the API takes nothing but an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome<'a> {
    Error(&'a str),
    Result(&'a str),
    #[serde(untagged)]
    Object(&'a RawValue),
}

impl<'a> Own<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }

    pub(super) fn media(media: &'a Media) -> Result<Self, ModelFailure> {
        let mut own = Self::default();
        let mime_type = media.media_type.as_str();
        match &media.source {
            MediaSource::Base64(_) if mime_type.is_empty() => {
                let reason = "have a medium of which nobody says what type it is";
                return Err(ModelFailure::invalid("messages", reason));
            }
            MediaSource::Base64(data) => own.inline_data = Some(InlineData { mime_type, data }),
            MediaSource::File(file_uri) | MediaSource::Url(file_uri) => {
                own.file_data = Some(FileData {
                    mime_type,
                    file_uri,
                });
            }
            _ => {
                let reason = "have a medium from where this API takes none";
                return Err(ModelFailure::invalid("messages", reason));
            }
        }
        Ok(own)
    }
}

impl WirePart<'_> {
    /// The place of the call that this is the result of.
    pub(super) fn place(&self) -> Option<usize> {
        match self {
            Self::Own(own) => Some(own.function_response.as_ref()?.place),
            Self::Other(_) => None,
        }
    }
}

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.more.unwrap_or(&NO_FIELDS))?;
        entries.put_some("thought", self.thought)?;
        entries.put_some("text", self.text)?;
        if let Some(object) = &self.inline_data {
            entries.put_merged("inlineData", |more| Merged { object, more })?;
        }
        if let Some(object) = &self.file_data {
            entries.put_merged("fileData", |more| Merged { object, more })?;
        }
        if let Some(object) = &self.function_call {
            entries.put_merged("functionCall", |more| Merged { object, more })?;
        }
        entries.put_some("functionResponse", self.function_response.as_ref())?;
        entries.put_some("thoughtSignature", self.thought_signature)?;
        entries.end()
    }
}

impl Serialize for WirePart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Other(fields) => fields.serialize(serializer),
            Self::Own(own) => own.serialize(serializer),
        }
    }
}
