use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::wire::{Count, Known, OpenObject, Text, open_objects};

/// An event of a stream. What is in it depends on its type.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Text<'a>,
    pub(super) output_index: Count,
    pub(super) item_id: Text<'a>,
    /// Which part of the item.
    pub(super) part_index: Count,
    /// More of the part.
    pub(super) delta: Text<'a>,
    /// The whole of the part.
    pub(super) whole: Text<'a>,
    pub(super) item: Option<&'a RawValue>,
    pub(super) response: Option<&'a RawValue>,
}

open_objects!(Event);

impl<'de> OpenObject<'de> for Event<'de> {
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error> {
        match name {
            "type" => self.kind = map.next_value()?,
            "output_index" => self.output_index = map.next_value()?,
            "item_id" => self.item_id = map.next_value()?,
            "content_index" | "summary_index" => self.part_index = map.next_value()?,
            "delta" => self.delta = map.next_value()?,
            "text" | "refusal" | "arguments" => self.whole = map.next_value()?,
            "item" => self.item = map.next_value()?,
            "response" => self.response = map.next_value()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    }

    fn unknown(&mut self, _: Text<'de>, _: &'de RawValue) {}
}
