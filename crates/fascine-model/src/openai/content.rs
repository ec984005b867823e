use fascine_message::{Part, Reasoning};
use serde_json::{Map, Value};

use crate::Chunk;
use crate::wire::{TextOrValue, UnknownFields};

/// The pieces of an answer that a content comes to: a text, or a list of parts, of the provider of this name.
pub(super) fn read(
    content: TextOrValue<'_>,
    provider: &str,
    unknown: &mut UnknownFields,
    chunks: &mut Vec<Chunk>,
) {
    let parts = match content {
        TextOrValue::None => return,
        TextOrValue::Text(text) => {
            if !text.is_empty() {
                chunks.push(Chunk::Text(text.into_owned()));
            }
            return;
        }
        TextOrValue::Value(Value::Array(parts)) => parts,
        TextOrValue::Value(part) => vec![part],
    };
    for (place, part) in parts.into_iter().enumerate() {
        chunks.extend(read_part(provider, part, &place.to_string(), unknown));
    }
}

/// The piece of an answer that the part at this place comes to.
fn read_part(
    provider: &str,
    mut part: Value,
    place: &str,
    unknown: &mut UnknownFields,
) -> Option<Chunk> {
    let kind = part["type"].as_str().unwrap_or_default().to_owned();
    let (text, as_chunk): (_, fn(String) -> Chunk) = match kind.as_str() {
        "" if part.is_string() => (take_text(&mut part)?, Chunk::Text),
        "text" | "output_text" if part["text"].is_string() => {
            (take_text(&mut part["text"])?, Chunk::Text)
        }
        "thinking" if part["thinking"].is_string() => (take_text(&mut part["thinking"])?, thought),
        "thinking" if part["thinking"].is_array() => (take_texts(&mut part["thinking"]), thought),
        _ => {
            let provider = provider.to_owned();
            let value = part;
            return Some(Chunk::Part(Part::Other { provider, value }));
        }
    };
    if let Some(fields) = part.as_object_mut() {
        fields.remove("type");
        fields.retain(|_, value| !says_nothing(value));
        unknown.of_piece_values(&["content", place], std::mem::take(fields));
    }
    Some(text).filter(|text| !text.is_empty()).map(as_chunk)
}

fn thought(text: String) -> Chunk {
    Chunk::Reasoning(Reasoning::new(text))
}

fn take_text(value: &mut Value) -> Option<String> {
    match value.take() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Takes the texts out of a list of parts, and leaves what else there is.
fn take_texts(list: &mut Value) -> String {
    let mut texts = String::new();
    for part in list.as_array_mut().into_iter().flatten() {
        if let Some(text) = part.get_mut("text").and_then(take_text) {
            texts.push_str(&text);
            if let Some(fields) = part.as_object_mut() {
                fields.retain(|name, value| name != "type" && !value.is_null());
            }
        }
    }
    texts
}

/// Whether nothing is left of it.
fn says_nothing(value: &Value) -> bool {
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    value.is_null()
        || value
            .as_array()
            .is_some_and(|list| list.iter().all(is_empty))
}
