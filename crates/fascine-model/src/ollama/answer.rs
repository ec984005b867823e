use fascine_message::{Reasoning, Usage};
use serde_json::value::RawValue;

use super::NAME;
use crate::wire::{Fields, made_up, stream_error};
use crate::{Accumulator, Chunk, FinishReason, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let (mut answer, mut chunks) = (Answer::default(), Vec::new());
    answer.read(body, &mut chunks)?;
    if !answer.has_message {
        return Err(ModelFailure::malformed("it has no message", body));
    }
    let mut whole = Accumulator::new();
    for chunk in &chunks {
        whole.push(chunk);
    }
    Ok(whole.into_response())
}

/// An answer, whole or in the making: it comes in one document or in many of the same form.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    has_message: bool,
    calls: usize,
    pub(super) done: bool,
}

impl Answer {
    /// Reads a document.
    pub(super) fn read(
        &mut self,
        json: &[u8],
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ModelFailure> {
        let mut document: Fields<'_> = serde_json::from_slice(json)
            .map_err(|error| ModelFailure::malformed(error.to_string(), json))?;
        if document.take::<&RawValue>("error").is_some() {
            let text = String::from_utf8_lossy(json);
            return Err(stream_error(&text, "an error in place of the answer").into());
        }
        let model = document.take_text("model");
        let created_at: Option<String> = document.take("created_at");
        if !std::mem::replace(&mut self.started, true) {
            let id = String::new();
            chunks.push(Chunk::Start { id, model });
        }
        if let Some(message) = document.take("message") {
            self.message(message, created_at.as_deref().unwrap_or_default(), chunks);
        }
        let done = document.take("done").unwrap_or(false);
        let reason: Option<String> = document.take("done_reason");
        let counts = [
            document.take::<u64>("prompt_eval_count"),
            document.take::<u64>("eval_count"),
        ];
        let mut extra = document.rest();
        if done {
            self.done = true;
            chunks.push(Chunk::Finish(self.finish_reason(reason)));
            // A prompt that the server had in its cache is not counted.
            if counts != [None, None] {
                let [prompt, answer] = counts.map(Option::unwrap_or_default);
                chunks.push(Chunk::Usage(Usage::new(prompt, answer)));
            }
            extra.extend(created_at.map(|at| ("created_at".to_owned(), at.into())));
        }
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        Ok(())
    }

    fn message(&mut self, mut message: Fields<'_>, created_at: &str, chunks: &mut Vec<Chunk>) {
        self.has_message = true;
        let thinking = message.take_text("thinking");
        if !thinking.is_empty() {
            let reasoning = Reasoning::new(thinking).with_provider(NAME);
            chunks.push(Chunk::Reasoning(reasoning));
        }
        let content = message.take_text("content");
        if !content.is_empty() {
            chunks.push(Chunk::Text(content));
        }
        let calls: Vec<Fields<'_>> = message.take("tool_calls").unwrap_or_default();
        for mut call in calls {
            let mut function: Fields<'_> = call.take("function").unwrap_or_default();
            let id = call.take("id").filter(|id: &String| !id.is_empty());
            chunks.push(Chunk::ToolCall {
                index: self.calls,
                id: Some(id.unwrap_or_else(|| made_up(created_at, self.calls))),
                name: function.take("name"),
                arguments: arguments(&mut function),
            });
            self.calls += 1;
        }
    }

    fn finish_reason(&self, reason: Option<String>) -> FinishReason {
        match reason.as_deref() {
            None | Some("" | "stop") if self.calls > 0 => FinishReason::ToolCalls,
            None | Some("" | "stop") => FinishReason::Stop,
            Some("length") => FinishReason::Length,
            Some(other) => FinishReason::Other(other.to_owned()),
        }
    }
}

/// They are an object; servers that are only like Ollama send them as a text.
fn arguments(function: &mut Fields<'_>) -> String {
    let arguments = match function.take::<String>("arguments") {
        Some(text) => text,
        None => {
            let object = function.take::<&RawValue>("arguments");
            object.map_or_else(String::new, |object| object.get().to_owned())
        }
    };
    match arguments.as_str() {
        "" => "{}".to_owned(),
        _ => arguments,
    }
}
