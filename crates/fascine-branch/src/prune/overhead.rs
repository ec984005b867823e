use fascine_message::Message;
use fascine_model::{Request, TokenCounter};

/// What of a request is the same from turn to turn: it is counted when it changes.
#[derive(Debug, Default)]
pub(crate) struct Overhead {
    /// The system prompt that was sent last. It remembers its tokens, as every message does.
    system: Option<Message>,
    /// The tools and the schema that were counted last, by the counter with this number.
    counted: Option<(u64, Request, u64)>,
}

impl Overhead {
    /// The system prompt, for the request that is made now: the message that was sent before if it says the same.
    pub(crate) fn system(&mut self, now: Message) -> Message {
        match &self.system {
            Some(before) if before.content() == now.content() => before.clone(),
            _ => self.system.insert(now).clone(),
        }
    }

    /// The tokens of `frame`, whose only message is the system prompt, if there is one.
    pub(super) fn count(&mut self, counter: &dyn TokenCounter, frame: &Request) -> u64 {
        let messages = frame.messages.iter();
        let system: u64 = messages.map(|message| counter.count_message(message)).sum();
        system.saturating_add(self.rest(counter, frame))
    }

    fn rest(&mut self, counter: &dyn TokenCounter, frame: &Request) -> u64 {
        if let Some((id, rest, tokens)) = &self.counted
            && *id == counter.id()
            && rest.tools == frame.tools
            && rest.output == frame.output
        {
            return *tokens;
        }
        let mut rest = Request::default().with_output(frame.output.clone());
        rest.tools.clone_from(&frame.tools);
        let tokens = counter.count_request(&rest);
        self.counted = Some((counter.id(), rest, tokens));
        tokens
    }
}
