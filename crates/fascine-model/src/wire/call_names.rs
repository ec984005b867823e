use std::collections::HashMap;

use fascine_message::{Message, Part};

/// Which tool a call was of, for the providers that ask for it with the result.
#[derive(Debug, Default)]
pub(crate) struct CallNames<'a> {
    calls: HashMap<&'a str, Called<'a>>,
    count: usize,
}

/// A call that a model has made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called<'a> {
    pub(crate) name: &'a str,
    /// How many calls were before it. Providers that are not sent the id know a result by its place.
    pub(crate) place: usize,
}

impl<'a> CallNames<'a> {
    /// Remembers the calls of a message. An id that comes again means the newest call.
    pub(crate) fn add(&mut self, message: &'a Message) {
        for part in message.content() {
            if let Part::ToolCall(call) = part {
                let (name, place) = (call.name.as_str(), self.count);
                self.calls.insert(&call.id, Called { name, place });
                self.count += 1;
            }
        }
    }

    pub(crate) fn find(&self, call_id: &str) -> Option<Called<'a>> {
        self.calls.get(call_id).copied()
    }
}
