use fascine_message::{Media, MediaSource, Part, Reasoning};
use serde_json::value::RawValue;

use super::NAME;
use crate::Chunk;
use crate::wire::{Fields, made_up, owned};

/// The parts of an answer that have come so far.
#[derive(Debug, Default)]
pub(super) struct Parts {
    calls: usize,
    /// Whether the last is a text with a seal on it, which does not hold for what follows.
    sealed: bool,
}

impl Parts {
    /// Whether the model has asked for a tool.
    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// Reads a part of the answer with this id.
    pub(super) fn read(&mut self, part: &RawValue, id: &str, chunks: &mut Vec<Chunk>) {
        let mut fields: Fields<'_> = serde_json::from_str(part.get()).unwrap_or_default();
        let thought = fields.take("thought").unwrap_or(false);
        let seal: Option<String> = fields.take("thoughtSignature");
        if let Some(text) = fields.take("text") {
            match thought {
                true => self.thought(text, seal, chunks),
                false => self.text(text, seal, chunks),
            }
        } else if let Some(call) = fields.take("functionCall").and_then(Call::read) {
            self.seal(seal, chunks);
            chunks.push(Chunk::ToolCall {
                index: self.calls,
                id: Some(call.id.unwrap_or_else(|| made_up(id, self.calls))),
                name: Some(call.name),
                arguments: call.arguments,
            });
            self.calls += 1;
        } else if let Some(medium) = medium(&mut fields) {
            self.seal(seal, chunks);
            chunks.push(Chunk::Part(medium));
        } else if seal.is_some() && fields.is_empty() {
            self.text(String::new(), seal, chunks);
        } else {
            self.sealed = false;
            chunks.push(Chunk::Part(Part::Other {
                provider: NAME.to_owned(),
                value: owned(part),
            }));
        }
    }

    fn thought(&mut self, text: String, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        self.sealed = false;
        if !text.is_empty() || seal.is_some() {
            let mut reasoning = Reasoning::new(text).with_provider(NAME);
            reasoning.signature = seal;
            chunks.push(Chunk::Reasoning(reasoning));
        }
    }

    fn text(&mut self, text: String, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        let has_seal = seal.is_some();
        if text.is_empty() && !has_seal {
            return;
        }
        // An empty part keeps two texts apart that would become one.
        let empty = || Chunk::Part(Part::text(""));
        if self.sealed && !has_seal {
            chunks.push(empty());
        }
        self.seal(seal, chunks);
        self.sealed = has_seal;
        chunks.push(match text.is_empty() {
            true => empty(),
            false => Chunk::Text(text),
        });
    }

    /// Puts a seal before the part it is on.
    fn seal(&mut self, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        self.sealed = false;
        let seal = seal.map(|seal| {
            let reasoning = Reasoning::default().with_signature(seal);
            Chunk::Part(Part::Reasoning(reasoning.with_provider(NAME)))
        });
        chunks.extend(seal);
    }
}

struct Call {
    id: Option<String>,
    name: String,
    arguments: String,
}

impl Call {
    fn read(mut fields: Fields<'_>) -> Option<Self> {
        let arguments = fields.take::<&RawValue>("args").map(RawValue::get);
        Some(Self {
            id: fields.take("id").filter(|id: &String| !id.is_empty()),
            name: fields.take("name")?,
            arguments: arguments.unwrap_or("{}").to_owned(),
        })
    }
}

/// A picture, a recording or a document.
fn medium(fields: &mut Fields<'_>) -> Option<Part> {
    let (mut data, key) = match fields.take::<Fields<'_>>("inlineData") {
        Some(data) => (data, "data"),
        None => (fields.take::<Fields<'_>>("fileData")?, "fileUri"),
    };
    let content: String = data.take(key)?;
    let mut media = Media::from_url(data.take_text("mimeType"), "");
    media.source = match key {
        "data" => MediaSource::Base64(content),
        _ => MediaSource::Url(content),
    };
    Some(match media.media_type.split('/').next() {
        Some("audio") => Part::Audio(media),
        Some("image") => Part::Image(media),
        _ => Part::Document(media),
    })
}
