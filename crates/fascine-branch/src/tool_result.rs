//! What a model gets to read of a call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fascine_message::{ToolCall, ToolResult};
use serde_json::Value;

use crate::{ToolError, ToolLimits};

/// A string as it is, anything else as JSON, an error with its causes; cut where it becomes too long.
pub(crate) fn of(
    call: &ToolCall,
    called: Result<Value, ToolError>,
    limits: Option<&ToolLimits>,
) -> ToolResult {
    let (text, is_error) = match called {
        Ok(Value::String(text)) => (text, false),
        Ok(value) => (value.to_string(), false),
        Err(error) => (text_of(error), true),
    };
    let limit = limits.map_or_else(
        || ToolLimits::default().result_bytes,
        |limits| limits.result_bytes,
    );
    let text = cut(text, limit);
    match is_error {
        true => ToolResult::error(&call.id, text),
        false => ToolResult::new(&call.id, text),
    }
}

/// A cause of the program's own may panic when it is shown, or dropped.
fn text_of(error: ToolError) -> String {
    let text = catch_unwind(AssertUnwindSafe(move || error.text()));
    text.unwrap_or_else(|_| "the tool failed, with an error that cannot be shown".to_owned())
}

/// Keeps the first `limit` bytes, or a few less, and says that there was more.
fn cut(mut text: String, limit: usize) -> String {
    let whole = text.len();
    if whole <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(&format!("\n[cut off here: {end} of {whole} bytes]"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("abc".to_owned(), 3), "abc");
        assert_eq!(cut("aé".to_owned(), 2), "a\n[cut off here: 1 of 3 bytes]");
        assert_eq!(cut("é".to_owned(), 0), "\n[cut off here: 0 of 2 bytes]");
    }
}
