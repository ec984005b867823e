use super::document::ItemPart;
use crate::wire::{Count, Raw, Text, open_object};

open_object! {
    /// An event of a stream. What is in it depends on its type.
    Event<'a> {
        kind: Text<'a> = "type",
        output_index: Count = "output_index",
        item_id: Text<'a> = "item_id",
        /// Which part of the item.
        part_index: Count = "content_index" | "summary_index",
        /// More of the part.
        delta: Text<'a> = "delta",
        /// The whole of the part.
        whole: Text<'a> = "text" | "refusal" | "arguments",
        part: ItemPart<'a> = "part",
        item: Raw<'a> = "item",
        response: Raw<'a> = "response",
        /// They come again, with the whole of the part or of the item.
        again: Raw<'a> = "annotation" | "annotation_index" | "code" | "input" | "logprobs"
            | "partial_image_b64" | "partial_image_index",
        /// There to be ignored: the events are in order, and how long they are is hidden.
        padding: Raw<'a> = "obfuscation" | "sequence_number",
    }
}
