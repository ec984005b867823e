//! A response, and the items in it.

use serde_json::value::RawValue;

use super::usage::Counts;
use crate::wire::{List, Raw, Rest, Text, open_object};

open_object! {
    /// A whole response, as the answer or at the end of a stream.
    Document<'a> {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        status: Text<'a> = "status",
        output: List<&'a RawValue> = "output",
        usage: Option<Counts<'a>> = "usage",
        error: Raw<'a> = "error",
        incomplete_details: Details<'a> = "incomplete_details",
        /// What the request had said.
        echo: Raw<'a> = "background" | "instructions" | "max_output_tokens" | "max_tool_calls"
            | "parallel_tool_calls" | "previous_response_id" | "prompt_cache_key"
            | "safety_identifier" | "store" | "temperature" | "tool_choice" | "tools"
            | "top_logprobs" | "top_p" | "truncation" | "user",
    }
}

open_object! {
    Details<'a> {
        reason: Text<'a> = "reason",
    }
}

open_object! {
    /// An item of the output.
    Item<'a> {
        kind: Text<'a> = "type",
        id: Text<'a> = "id",
        status: Text<'a> = "status",
        role: Text<'a> = "role",
        call_id: Text<'a> = "call_id",
        name: Text<'a> = "name",
        arguments: Text<'a> = "arguments",
        // Items of other kinds have other things under these names.
        content: List<ItemPart<'a>> = "content",
        summary: List<ItemPart<'a>> = "summary",
        encrypted_content: Text<'a> = "encrypted_content",
        phase: Text<'a> = "phase",
    }
}

open_object! {
    /// A part of an item: of what was said, thought or refused.
    ItemPart<'a> {
        kind: Text<'a> = "type",
        text: Text<'a> = "text",
        refusal: Text<'a> = "refusal",
        annotations: Raw<'a> = "annotations",
    }
}

impl<'a> ItemPart<'a> {
    /// Takes what is not known of it, unless it says that there is nothing.
    pub(super) fn take_rest(&mut self) -> Rest<'a> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.retain(|(name, value)| name.or_empty() != "logprobs" || !value.is("[]"));
        rest
    }

    /// Its type, if nobody here has heard of it.
    pub(super) fn new_type(&self) -> Option<&str> {
        self.kind.as_str().filter(|kind| !PARTS.contains(kind))
    }
}

/// The types of parts that are known.
const PARTS: [&str; 5] = [
    "output_text",
    "reasoning_text",
    "refusal",
    "summary_text",
    "text",
];
