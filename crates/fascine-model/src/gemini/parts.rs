use fascine_message::{Media, MediaSource, Part as MessagePart, Reasoning};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use crate::Chunk;
use crate::wire::{
    Flag, Raw, Rest, Text, TextOrValue, made_up, more_of_part, open_object, own_part, owned,
    owned_fields,
};

open_object! {
    /// A part of an answer. What it is, is said by the one of its fields that is there.
    Part<'a> {
        text: TextOrValue<'a> = "text",
        thought: Flag = "thought",
        seal: Text<'a> = "thoughtSignature",
        call: Raw<'a> = "functionCall",
        inline_data: Raw<'a> = "inlineData",
        file_data: Raw<'a> = "fileData",
    }
}

open_object! {
    Call<'a> {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        arguments: Raw<'a> = "args",
    }
}

open_object! {
    Data<'a> {
        media_type: Text<'a> = "mimeType",
        data: Text<'a> = "data",
        uri: Text<'a> = "fileUri",
    }
}

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
    pub(super) fn read(
        &mut self,
        part: Result<Part<'_>, Value>,
        id: &str,
        chunks: &mut Vec<Chunk>,
    ) {
        let mut part = match part {
            Ok(part) => part,
            Err(odd) => return self.other(odd, chunks),
        };
        let seal = std::mem::take(&mut part.seal).into_string();
        let (what, mut more) = part.split();
        match what {
            // There would be nothing that the rest could follow.
            Some(What::Text(text) | What::Thought(text))
                if text.is_empty() && seal.is_none() && !more.is_empty() =>
            {
                more.insert("text".to_owned(), text.into());
                return self.other(more, chunks);
            }
            Some(What::Text(text)) => self.text(text, seal, chunks),
            Some(What::Thought(text)) => self.thought(text, seal, chunks),
            Some(What::Call(call)) => {
                self.seal(seal, chunks);
                let arguments = call.arguments.0.map_or("{}", RawValue::get);
                let call_id = call.id.into_string();
                chunks.push(Chunk::ToolCall {
                    index: self.calls,
                    id: Some(call_id.unwrap_or_else(|| made_up(id, self.calls))),
                    name: call.name.into_string(),
                    arguments: arguments.to_owned(),
                });
                self.calls += 1;
            }
            Some(What::Medium(medium)) => {
                self.seal(seal, chunks);
                chunks.push(Chunk::Part(medium));
            }
            None if more.is_empty() && seal.is_some() => self.text(String::new(), seal, chunks),
            None => {
                more.extend(seal.map(|seal| ("thoughtSignature".to_owned(), seal.into())));
                return self.other(more, chunks);
            }
        }
        if !more.is_empty() {
            chunks.push(Chunk::Part(more_of_part(NAME, more)));
        }
    }

    fn other(&mut self, value: impl Into<Value>, chunks: &mut Vec<Chunk>) {
        self.sealed = false;
        chunks.push(Chunk::Part(own_part(NAME, value)));
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
        let empty = || Chunk::Part(MessagePart::text(""));
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
            Chunk::Part(MessagePart::Reasoning(reasoning.with_provider(NAME)))
        });
        chunks.extend(seal);
    }
}

/// What a part is.
enum What<'a> {
    Call(Call<'a>),
    Medium(MessagePart),
    Text(String),
    Thought(String),
}

impl<'a> Part<'a> {
    /// Tells what it is, if that is known, from what else there is to it.
    fn split(self) -> (Option<What<'a>>, Map<String, Value>) {
        let mut more = owned_fields(self.rest);
        let text = match self.text {
            TextOrValue::None => None,
            TextOrValue::Text(text) => Some(text.into_owned()),
            TextOrValue::Value(value) => {
                more.insert("text".to_owned(), value);
                None
            }
        };
        let is_thought = self.thought.0 && text.is_some();
        let mut what = text.map(match is_thought {
            true => What::Thought,
            false => What::Text,
        });
        if self.thought.0 && !is_thought {
            more.insert("thought".to_owned(), true.into());
        }
        for (name, field) in [
            (CALL, self.call),
            ("inlineData", self.inline_data),
            ("fileData", self.file_data),
        ] {
            let Some(field) = field.0 else { continue };
            let read = match (&what, name) {
                (Some(_), _) => None,
                (None, CALL) => read_call(field),
                (None, _) => read_medium(field),
            };
            let rest = match read {
                None => owned(field),
                Some((read, rest)) => {
                    what = Some(read);
                    owned_fields(rest).into()
                }
            };
            if rest != Value::Object(Map::new()) {
                more.insert(name.to_owned(), rest);
            }
        }
        (what, more)
    }
}

const CALL: &str = "functionCall";

fn read_call(field: &RawValue) -> Option<(What<'_>, Rest<'_>)> {
    let mut call: Call<'_> = serde_json::from_str(field.get()).ok()?;
    call.name.as_str()?;
    let rest = std::mem::take(&mut call.rest);
    Some((What::Call(call), rest))
}

/// Reads a picture, a recording or a document.
fn read_medium(field: &RawValue) -> Option<(What<'_>, Rest<'_>)> {
    let data: Data<'_> = serde_json::from_str(field.get()).ok()?;
    let mut media = Media::from_url(data.media_type.or_empty(), "");
    media.source = match data.data.into_string() {
        Some(data) => MediaSource::Base64(data),
        None => MediaSource::Url(data.uri.into_string()?),
    };
    let medium = match media.media_type.split('/').next() {
        Some("audio") => MessagePart::Audio(media),
        Some("image") => MessagePart::Image(media),
        _ => MessagePart::Document(media),
    };
    Some((What::Medium(medium), data.rest))
}
