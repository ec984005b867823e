use serde::{Deserialize, Serialize};

use crate::{EmbedRequest, Embeddings, ModelFailure};

pub(super) fn write(request: &EmbedRequest, model: &str) -> Result<Vec<u8>, ModelFailure> {
    if request.inputs.is_empty() {
        return Err(ModelFailure::invalid("inputs", "are empty"));
    }
    // The API wants it in each of the requests, with its prefix.
    let prefix = if model.contains('/') { "" } else { "models/" };
    let model = format!("{prefix}{model}");
    let requests = request.inputs.iter().map(|text| One {
        model: &model,
        content: Content {
            parts: [Text { text }],
        },
        output_dimensionality: request.dimensions,
    });
    let batch = Batch {
        requests: requests.collect(),
    };
    serde_json::to_vec(&batch).map_err(|error| ModelFailure::invalid("inputs", error.to_string()))
}

pub(super) fn read(body: &[u8]) -> Result<Embeddings, ModelFailure> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| ModelFailure::malformed(error.to_string(), body))?;
    let vectors = answer.embeddings.into_iter().map(|one| one.values);
    Ok(Embeddings::new(vectors.collect()))
}

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Text<'a>; 1],
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
}
