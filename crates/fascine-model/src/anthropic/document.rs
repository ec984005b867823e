use fascine_message::Part;

use super::reading;
use crate::{Chunk, ModelFailure};

/// The pieces of an answer that came in one document, by whoever does not stream.
pub(super) fn chunks(document: &str, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
    let response = reading::response(document.as_bytes())?;
    let (id, model) = (response.id, response.model);
    chunks.push(Chunk::Start { id, model });
    let (mut calls, mut after_text) = (0, false);
    for part in response.message.content() {
        let is_text = matches!(part, Part::Text { .. });
        if is_text && after_text {
            // Two texts stay two.
            chunks.push(Chunk::Part(Part::text("")));
        }
        after_text = is_text;
        chunks.push(match part {
            Part::Text { text } => Chunk::Text(text.clone()),
            Part::ToolCall(call) => {
                calls += 1;
                Chunk::ToolCall {
                    index: calls - 1,
                    id: Some(call.id.clone()),
                    name: Some(call.name.clone()),
                    arguments: call.arguments.clone(),
                }
            }
            part => Chunk::Part(part.clone()),
        });
    }
    chunks.push(Chunk::Usage(response.usage));
    if !response.extra.is_empty() {
        chunks.push(Chunk::Extra(response.extra));
    }
    chunks.push(Chunk::Finish(response.finish_reason));
    Ok(())
}
