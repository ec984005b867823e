use std::collections::HashMap;

use fascine_message::{Message, Part};

/// Which tool a call was of, for the providers that ask for it with the result.
#[derive(Debug, Default)]
pub(crate) struct CallNames<'a>(HashMap<&'a str, &'a str>);

impl<'a> CallNames<'a> {
    /// Remembers the calls of a message. An id that comes again means the newest call.
    pub(crate) fn add(&mut self, message: &'a Message) {
        for part in message.content() {
            if let Part::ToolCall(call) = part {
                self.0.insert(&call.id, &call.name);
            }
        }
    }

    pub(crate) fn name(&self, call_id: &str) -> Option<&'a str> {
        self.0.get(call_id).copied()
    }
}
