use fascine_message::{Content, Message, Part, Reasoning, Role, ToolCall, Usage};
use serde_json::{Map, Value};

use crate::{Chunk, FinishReason, Response};

/// Puts an answer together from its pieces.
///
/// ```
/// use fascine_model::{Accumulator, Chunk, FinishReason};
///
/// let mut answer = Accumulator::new();
/// answer.push(&Chunk::Text("Eight ".into()));
/// answer.push(&Chunk::Text("legs.".into()));
/// assert_eq!(answer.message().text(), "Eight legs."); // so far
/// answer.push(&Chunk::Finish(FinishReason::Stop));
/// assert_eq!(answer.into_response().text(), "Eight legs.");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    content: Content,
    /// Where in the content the call with an index is.
    calls: Vec<(usize, usize)>,
    finish_reason: Option<FinishReason>,
    usage: Usage,
    id: String,
    model: String,
    extra: Map<String, Value>,
}

impl Accumulator {
    /// Begins an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn push(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Extra(fields) => self.extra.extend(fields.clone()),
            Chunk::Finish(reason) => self.finish_reason = Some(reason.clone()),
            Chunk::Part(part) => self.content.push(part.clone()),
            Chunk::Reasoning(more) => self.push_reasoning(more),
            Chunk::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Chunk::Text(more) => match self.content.last_mut() {
                Some(Part::Text { text }) => text.push_str(more),
                _ => self.content.push(Part::text(more)),
            },
            Chunk::ToolCall {
                index,
                id,
                name,
                arguments,
            } => {
                if let Some(call) = self.call(*index) {
                    // A late id or name fills what was empty; some repeat them with each piece.
                    fill(&mut call.id, id.as_deref());
                    fill(&mut call.name, name.as_deref());
                    call.arguments.push_str(arguments);
                }
            }
            Chunk::Usage(usage) => self.usage = *usage,
        }
    }

    /// The answer so far.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::new(Role::Assistant, self.content.clone())
    }

    /// What it cost so far, as far as the provider has said.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Whether there is nothing of an answer yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// Whether all that has come is text, which a model can be asked to continue.
    #[must_use]
    pub fn is_text(&self) -> bool {
        let text = |part: &Part| matches!(part, Part::Text { .. });
        !self.content.is_empty() && self.content.iter().all(text)
    }

    /// The whole answer.
    #[must_use]
    pub fn into_response(self) -> Response {
        let mut response = Response::new(Message::new(Role::Assistant, self.content));
        response.finish_reason = self.finish_reason.unwrap_or(FinishReason::Stop);
        response.usage = self.usage;
        response.id = self.id;
        response.model = self.model;
        response.extra = self.extra;
        response
    }

    fn push_reasoning(&mut self, more: &Reasoning) {
        match self.content.last_mut() {
            // What was withheld comes last, and closes the block whose name it has.
            Some(Part::Reasoning(last))
                if last.encrypted.is_none()
                    && more.encrypted.is_some()
                    && more.text.is_empty()
                    && !more.id.is_empty()
                    && more.id == last.id =>
            {
                last.encrypted.clone_from(&more.encrypted);
            }
            // A signature or an end closes a block: what comes then is another one.
            Some(Part::Reasoning(last))
                if last.encrypted.is_none()
                    && more.encrypted.is_none()
                    && (last.signature.is_none() || more.text.is_empty())
                    && (more.id.is_empty() || more.id == last.id) =>
            {
                last.text.push_str(&more.text);
                if let Some(signature) = &more.signature {
                    last.signature.get_or_insert_default().push_str(signature);
                }
            }
            _ => self.content.push(Part::Reasoning(more.clone())),
        }
    }

    fn call(&mut self, index: usize) -> Option<&mut ToolCall> {
        // The newest is the one that is being written, nearly always.
        let known = self.calls.iter().rev().find(|(known, _)| *known == index);
        let place = known.map_or(self.content.len(), |(_, place)| *place);
        if place == self.content.len() {
            self.calls.push((index, place));
            self.content.push(Part::ToolCall(ToolCall::default()));
        }
        match self.content.get_mut(place) {
            Some(Part::ToolCall(call)) => Some(call),
            _ => None,
        }
    }
}

fn fill(field: &mut String, value: Option<&str>) {
    if let Some(value) = value
        && field.is_empty()
    {
        value.clone_into(field);
    }
}
