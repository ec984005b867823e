use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::usage::Counts;
use crate::wire::{Text, stream_error};
use crate::{EmbedRequest, Embeddings, ModelFailure};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    model: Text<'a>,
    data: Option<Vec<Entry>>,
    #[serde(default)]
    #[serde(borrow)]
    usage: Option<Counts<'a>>,
}

#[derive(Deserialize)]
struct Entry {
    index: Option<usize>,
    embedding: Vector,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Packed(String),
}

/// The body of a request for embeddings.
pub(crate) fn body(request: &EmbedRequest, model: &str) -> Result<Vec<u8>, ModelFailure> {
    if model.is_empty() {
        return Err(ModelFailure::invalid("model", "is empty"));
    }
    if request.inputs.is_empty() {
        return Err(ModelFailure::invalid("inputs", "are empty"));
    }
    if request.dimensions == Some(0) {
        return Err(ModelFailure::invalid("dimensions", "are none"));
    }
    let body = Body {
        model,
        input: &request.inputs,
        dimensions: request.dimensions,
    };
    serde_json::to_vec(&body).map_err(|error| ModelFailure::invalid("inputs", error.to_string()))
}

/// Reads embeddings and puts them in the order of the texts.
pub(crate) fn embeddings(body: &[u8]) -> Result<Embeddings, ModelFailure> {
    let malformed = |reason: String| ModelFailure::malformed(reason, body);
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let answer: Answer<'_> =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let Some(data) = answer.data else {
        // An error, after a head that said 200.
        return Err(match text.contains("\"error\"") {
            true => stream_error(text, "an error in place of an answer").into(),
            false => malformed("it has no data".to_owned()),
        });
    };
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; data.len()];
    for (place, entry) in data.into_iter().enumerate() {
        let index = entry.index.unwrap_or(place);
        let slot = vectors.get_mut(index).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| malformed(format!("it has no place for index {index}")))?;
        *slot = Some(entry.embedding.unpack().map_err(malformed)?);
    }
    let mut embeddings = Embeddings::new(vectors.into_iter().flatten().collect());
    embeddings.model = answer.model.into_string().unwrap_or_default();
    embeddings.usage = answer
        .usage
        .and_then(|counts| counts.usage())
        .unwrap_or_default();
    Ok(embeddings)
}

impl Vector {
    /// In base64, they are numbers of four bytes, the least first.
    fn unpack(self) -> Result<Vec<f32>, String> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers),
            Self::Packed(text) => text,
        };
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let numbers = bytes.chunks_exact(4);
        if !numbers.remainder().is_empty() {
            return Err("a vector ends within a number".to_owned());
        }
        let numbers = numbers.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        Ok(numbers.collect())
    }
}
