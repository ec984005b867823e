//! A response, and the items in it.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::usage::Counts;
use crate::wire::{Known, OpenObject, Rest, Text, open_objects};

/// A whole response, as the answer or at the end of a stream.
#[derive(Default)]
pub(super) struct Document<'a> {
    pub(super) id: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) status: Text<'a>,
    pub(super) output: Option<Vec<&'a RawValue>>,
    pub(super) usage: Option<Counts>,
    pub(super) error: Option<&'a RawValue>,
    pub(super) incomplete_details: Option<Details<'a>>,
    pub(super) rest: Rest<'a>,
}

#[derive(Default)]
pub(super) struct Details<'a> {
    pub(super) reason: Text<'a>,
}

/// An item of the output.
#[derive(Default)]
pub(super) struct Item<'a> {
    pub(super) kind: Text<'a>,
    pub(super) id: Text<'a>,
    pub(super) call_id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) arguments: Text<'a>,
    pub(super) content: Option<Vec<ItemPart<'a>>>,
    pub(super) summary: Option<Vec<ItemPart<'a>>>,
    pub(super) encrypted_content: Text<'a>,
    pub(super) phase: Text<'a>,
}

/// A part of an item: of what was said, thought or refused.
#[derive(Default)]
pub(super) struct ItemPart<'a> {
    pub(super) kind: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) refusal: Text<'a>,
    pub(super) annotations: Option<&'a RawValue>,
}

open_objects!(Document, Details, Item, ItemPart);

impl<'de> OpenObject<'de> for Document<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "id" => self.id = map.next_value()?,
            "model" => self.model = map.next_value()?,
            "status" => self.status = map.next_value()?,
            "output" => self.output = map.next_value()?,
            "usage" => self.usage = map.next_value()?,
            "error" => self.error = map.next_value()?,
            "incomplete_details" => self.incomplete_details = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue) {
        let says_something = !matches!(value.get(), "null" | "[]" | "{}" | "\"\"");
        if says_something && !ECHOES.contains(&name.or_empty()) {
            self.rest.push((name, value));
        }
    }
}

impl<'de> OpenObject<'de> for Details<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "reason" => self.reason = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}

impl<'de> OpenObject<'de> for Item<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "type" => self.kind = map.next_value()?,
            "id" => self.id = map.next_value()?,
            "call_id" => self.call_id = map.next_value()?,
            "name" => self.name = map.next_value()?,
            "arguments" => self.arguments = map.next_value()?,
            "encrypted_content" => self.encrypted_content = map.next_value()?,
            "phase" => self.phase = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue) {
        // Items of other kinds have other things under these names.
        match name.or_empty() {
            "content" => self.content = serde_json::from_str(value.get()).unwrap_or_default(),
            "summary" => self.summary = serde_json::from_str(value.get()).unwrap_or_default(),
            _ => {}
        }
    }
}

impl<'de> OpenObject<'de> for ItemPart<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "type" => self.kind = map.next_value()?,
            "text" => self.text = map.next_value()?,
            "refusal" => self.refusal = map.next_value()?,
            "annotations" => self.annotations = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}

/// What the request had said, and when.
const ECHOES: [&str; 21] = [
    "background",
    "completed_at",
    "created_at",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "object",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
