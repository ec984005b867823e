//! What the server writes: a whole answer, or a piece of one. They differ in the name of one field.
//!
//! What is rare is boxed: most events are a few words, and are moved several times.

use serde_json::value::RawValue;

use super::usage::Counts;
use crate::wire::{Count, List, Raw, Text, TextOrValue, open_object};

open_object! {
    /// The document of a whole answer, or of an event.
    Answer<'a> {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        choices: List<Choice<'a>> = "choices",
        usage: Option<Box<Counts<'a>>> = "usage",
        error: Raw<'a> = "error",
        object: Text<'a> = "object",
        /// When it was made: another time for each piece.
        created: Raw<'a> = "created",
        /// There to be ignored: it hides how long a piece is.
        obfuscation: Raw<'a> = "obfuscation",
    }
}

open_object! {
    Choice<'a> {
        index: Count = "index",
        said: Option<Said<'a>> = "message" | "delta",
        finish_reason: Text<'a> = "finish_reason",
    }
}

open_object! {
    /// A message, or more of one.
    Said<'a> {
        role: Text<'a> = "role",
        content: TextOrValue<'a> = "content",
        refusal: Text<'a> = "refusal",
        reasoning_content: Text<'a> = "reasoning_content",
        reasoning: Text<'a> = "reasoning",
        tool_calls: List<Call<'a>> = "tool_calls",
        function_call: Option<Box<Function<'a>>> = "function_call",
        audio: Option<Box<Audio<'a>>> = "audio",
    }
}

open_object! {
    Call<'a> {
        index: Count = "index",
        id: Text<'a> = "id",
        kind: Text<'a> = "type",
        function: Function<'a> = "function",
    }
}

open_object! {
    Function<'a> {
        name: Text<'a> = "name",
        arguments: Raw<'a> = "arguments",
    }
}

open_object! {
    Audio<'a> {
        id: Text<'a> = "id",
        data: Text<'a> = "data",
        transcript: Text<'a> = "transcript",
    }
}

impl Function<'_> {
    /// The JSON text of the arguments, as the model wrote it; some write the JSON itself.
    pub(super) fn take_arguments(&mut self) -> String {
        match self.arguments.0.take().map(RawValue::get) {
            None => String::new(),
            Some(raw) if raw.starts_with('"') => serde_json::from_str(raw).unwrap_or_default(),
            Some(raw) => raw.to_owned(),
        }
    }
}
