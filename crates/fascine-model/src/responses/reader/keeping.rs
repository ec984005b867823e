//! What is not known of a response.

use serde_json::{Map, Value};

use super::Reader;
use crate::Chunk;
use crate::responses::document::Item;
use crate::responses::event::Event;
use crate::wire::Rest;

impl Reader {
    /// Keeps what is not known of something that is at this place of the answer, or of its events.
    pub(in crate::responses) fn keep_rest(&mut self, place: &[&str], rest: Rest<'_>) {
        self.unknown.of_whole(place, rest);
    }

    /// Keeps an event of which nothing is known.
    pub(in crate::responses) fn keep_event(&mut self, kind: &str, event: Value) {
        self.unknown.one_more(&["events"], kind, event);
    }

    /// Keeps what is not known of the parts of an item, and what is new of its known fields.
    pub(super) fn keep_rest_of(&mut self, item: &mut Item<'_>, written: usize) {
        if !matches!(
            item.kind.as_str(),
            Some("function_call" | "message" | "reasoning")
        ) {
            return;
        }
        let place = self.progress.place(written);
        let place = place.as_str();
        let status = item
            .status
            .as_str()
            .filter(|status| !STATUSES.contains(status));
        self.unknown.put(&["output", place], "status", status);
        let role = item.role.as_str().filter(|role| *role != "assistant");
        self.unknown.put(&["output", place], "role", role);
        for (list, parts) in [
            ("content", &mut item.content),
            ("summary", &mut item.summary),
        ] {
            for (index, part) in parts.0.iter_mut().flatten().enumerate() {
                let place = ["output", place, list, &index.to_string()];
                self.unknown.put(&place, "type", part.new_type());
                self.unknown.of_whole(&place, part.take_rest());
            }
        }
    }

    /// Keeps the part of an item that an event is about.
    pub(in crate::responses) fn keep_part(&mut self, list: &'static str, event: Event<'_>) {
        let written = self
            .progress
            .item(event.output_index.0, event.item_id.as_str());
        let (place, index) = (self.progress.place(written), event.part_index.or_zero());
        let place = ["output", &place, list, &index.to_string()];
        let mut part = event.part;
        self.unknown.put(&place, "type", part.new_type());
        self.unknown.of_whole(&place, part.take_rest());
    }

    /// Keeps fields of an item that do not go back with it.
    pub(super) fn keep_fields_of(&mut self, written: usize, fields: Map<String, Value>) {
        let place = self.progress.place(written);
        self.unknown.of_piece_values(&["output", &place], fields);
    }

    /// Adds the fields that go back with an item: with the one that has this name, or the message before.
    pub(super) fn put_fields(
        &mut self,
        name: Option<(&str, String)>,
        mut fields: Map<String, Value>,
        chunks: &mut Vec<Chunk>,
    ) {
        if !fields.is_empty() {
            fields.extend(name.map(|(field, name)| (field.to_owned(), name.into())));
            chunks.push(self.other(fields.into()));
        }
    }
}

/// The states of an item that are known.
const STATUSES: [&str; 3] = ["completed", "in_progress", "incomplete"];
