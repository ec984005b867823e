//! What the server writes: a whole answer, or a piece of one. They differ in the name of one field.
//!
//! What is rare is boxed: most events are a few words, and are moved several times.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::content::Content;
use super::usage::Counts;
use crate::wire::{Count, Known, OpenObject, Rest, Text, open_objects};

/// The document of a whole answer, or of an event.
#[derive(Default)]
pub(super) struct Answer<'a> {
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) choices: Option<Vec<Choice<'a>>>,
    pub(super) usage: Option<Box<Counts>>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) object: Text<'a>,
    pub(super) rest: Rest<'a>,
}

#[derive(Default)]
pub(super) struct Choice<'a> {
    pub(super) index: Count,
    pub(super) said: Option<Said<'a>>,
    pub(super) finish_reason: Text<'a>,
    pub(super) rest: Rest<'a>,
}

/// A message, or more of one.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub(super) content: Content<'a>,
    pub(super) refusal: Text<'a>,
    pub(super) reasoning: Text<'a>,
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    pub(super) function_call: Option<Box<Function<'a>>>,
    pub(super) audio: Option<Box<Audio<'a>>>,
    pub(super) rest: Rest<'a>,
}

#[derive(Default)]
pub(super) struct Call<'a> {
    pub(super) index: Count,
    pub(super) id: Text<'a>,
    pub(super) function: Function<'a>,
}

#[derive(Default)]
pub(super) struct Function<'a> {
    pub(super) name: Text<'a>,
    pub(super) arguments: Arguments<'a>,
}

/// A text of JSON; some write the JSON itself.
#[derive(Default)]
pub(super) struct Arguments<'a>(Option<&'a RawValue>);

#[derive(Default)]
pub(super) struct Audio<'a> {
    pub(super) id: Text<'a>,
    pub(super) data: Text<'a>,
    pub(super) transcript: Text<'a>,
}

open_objects!(Answer, Choice, Said, Call, Function, Audio);

impl<'de> OpenObject<'de> for Answer<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "id" => self.id = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "choices" => self.choices = map.next_value()?,
            "usage" => self.usage = map.next_value()?,
            "error" => self.error = map.next_value()?,
            "object" => self.object = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue) {
        // The time is another for each piece, and the padding is there to be ignored.
        if !matches!(name.or_empty(), "created" | "obfuscation") {
            self.rest.push((name, value));
        }
    }
}

impl<'de> OpenObject<'de> for Choice<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "index" => self.index = map.next_value()?,
            "message" | "delta" => self.said = map.next_value()?,
            "finish_reason" => self.finish_reason = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue) {
        keep(&mut self.rest, name, value);
    }
}

impl<'de> OpenObject<'de> for Said<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "content" => self.content = map.next_value()?,
            "refusal" => self.refusal = map.next_value()?,
            "reasoning_content" | "reasoning" => {
                let reasoning: Text<'de> = map.next_value()?;
                // Some write both, with the same text.
                if self.reasoning.as_str().is_none() {
                    self.reasoning = reasoning;
                }
            }
            "tool_calls" => self.tool_calls = map.next_value()?,
            "function_call" => self.function_call = map.next_value()?,
            "audio" => self.audio = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue) {
        if name.or_empty() != "role" {
            keep(&mut self.rest, name, value);
        }
    }
}

impl<'de> OpenObject<'de> for Call<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "index" => self.index = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "function" => self.function = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}

impl<'de> OpenObject<'de> for Function<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "name" => self.name = map.next_value()?,
            "arguments" => self.arguments = Arguments(map.next_value()?),
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}

impl<'de> OpenObject<'de> for Audio<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "id" => self.id = map.next_value()?,
            "data" => self.data = map.next_value()?,
            "transcript" => self.transcript = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}

impl Arguments<'_> {
    /// The JSON text, as the model wrote it.
    pub(super) fn into_string(self) -> String {
        match self.0.map(RawValue::get) {
            None | Some("null") => String::new(),
            Some(raw) if raw.starts_with('"') => serde_json::from_str(raw).unwrap_or_default(),
            Some(raw) => raw.to_owned(),
        }
    }
}

/// What says something.
fn keep<'a>(rest: &mut Rest<'a>, name: Text<'a>, value: &'a RawValue) {
    if !matches!(value.get(), "null" | "[]" | "{}" | "\"\"") {
        rest.push((name, value));
    }
}
