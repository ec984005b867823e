use fascine_message::Usage;
use serde::{Deserialize, Serialize};

use crate::{EmbedRequest, Embeddings, ModelFailure};

pub(super) fn write(request: &EmbedRequest, model: &str) -> Result<Vec<u8>, ModelFailure> {
    if request.inputs.is_empty() {
        return Err(ModelFailure::invalid("inputs", "are empty"));
    }
    if model.is_empty() {
        return Err(ModelFailure::invalid("model", "is empty"));
    }
    let batch = Batch {
        model,
        input: &request.inputs,
        dimensions: request.dimensions,
    };
    serde_json::to_vec(&batch).map_err(|error| ModelFailure::invalid("inputs", error.to_string()))
}

pub(super) fn read(body: &[u8]) -> Result<Embeddings, ModelFailure> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| ModelFailure::malformed(error.to_string(), body))?;
    let mut embeddings = Embeddings::new(answer.embeddings);
    embeddings.model = answer.model;
    embeddings.usage = Usage::new(answer.prompt_eval_count.unwrap_or_default(), 0);
    Ok(embeddings)
}

#[derive(Serialize)]
struct Batch<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: String,
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u64>,
}
