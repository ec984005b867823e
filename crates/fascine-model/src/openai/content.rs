use std::fmt;

use fascine_message::{Part, Reasoning};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::Chunk;

/// What was said: a text, or a list of parts.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    Borrowed(&'a str),
    #[default]
    None,
    Owned(String),
    Parts(Vec<Value>),
}

impl Content<'_> {
    /// The pieces of an answer that it comes to, of the provider of this name.
    pub(super) fn into_chunks(self, provider: &str, chunks: &mut Vec<Chunk>) {
        match self {
            Self::None | Self::Borrowed("") => {}
            Self::Borrowed(text) => chunks.push(Chunk::Text(text.to_owned())),
            Self::Owned(text) if text.is_empty() => {}
            Self::Owned(text) => chunks.push(Chunk::Text(text)),
            Self::Parts(parts) => {
                let parts = parts.into_iter().filter_map(|part| chunk(provider, part));
                chunks.extend(parts);
            }
        }
    }
}

fn chunk(provider: &str, part: Value) -> Option<Chunk> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = |list: &Value| -> Option<String> {
        let parts = list.as_array()?.iter();
        Some(parts.filter_map(|part| part["text"].as_str()).collect())
    };
    let text_of_part = match part["type"].as_str() {
        _ if part.is_string() => text(&part),
        Some("text" | "output_text") => text(&part["text"]),
        Some("thinking") => {
            let thought = text(&part["thinking"]).or_else(|| texts(&part["thinking"]))?;
            return Some(Chunk::Reasoning(Reasoning::new(thought)));
        }
        _ => {
            let provider = provider.to_owned();
            return Some(Chunk::Part(Part::Other {
                provider,
                value: part,
            }));
        }
    };
    text_of_part
        .filter(|text| !text.is_empty())
        .map(Chunk::Text)
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Content::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = list.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        let part = Value::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Content::Parts(vec![part]))
    }
}
