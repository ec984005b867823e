use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fields::Fields;
use crate::hash::share;
use crate::problem::Problem;

/// Texts that are to become vectors.
#[derive(Debug)]
pub(crate) struct EmbedAsk {
    pub(crate) model: String,
    texts: Vec<String>,
    dimensions: usize,
    /// OpenAI's clients ask for the bytes of the numbers, little end first.
    base64: bool,
}

impl EmbedAsk {
    pub(crate) fn openai(body: &Value) -> Result<Self, Problem> {
        let fields = Fields::of(body, "")?;
        let base64 = match fields.text("encoding_format")? {
            None => false,
            Some(_) => fields.one_of("encoding_format", &["base64", "float"])? == "base64",
        };
        Ok(Self {
            model: fields.name("model")?.to_owned(),
            texts: texts(&fields, "input")?,
            dimensions: dimensions(&fields, "dimensions")?,
            base64,
        })
    }

    pub(crate) fn ollama(body: &Value) -> Result<Self, Problem> {
        let fields = Fields::of(body, "")?;
        Ok(Self {
            model: fields.name("model")?.to_owned(),
            texts: texts(&fields, "input")?,
            dimensions: dimensions(&fields, "dimensions")?,
            base64: false,
        })
    }

    /// One text, or a list of requests that have one each.
    pub(crate) fn gemini(model: &str, body: &Value) -> Result<Self, Problem> {
        let fields = Fields::of(body, "")?;
        let requests = match fields.get("requests") {
            Some(_) => fields.some_objects("requests")?,
            None => vec![fields],
        };
        if requests.len() > MAX_TEXTS {
            return Err(Problem::wrong("requests", "at most 2048 texts"));
        }
        let mut whole = Vec::new();
        let mut count = DIMENSIONS;
        for request in requests {
            let content = request
                .object("content")?
                .ok_or_else(|| Problem::missing(request.at("content")))?;
            let mut text = String::new();
            for part in content.some_objects("parts")? {
                text.push_str(part.text("text")?.unwrap_or_default());
            }
            whole.push(text);
            count = dimensions(&request, "outputDimensionality")?;
        }
        Ok(Self {
            model: model.to_owned(),
            texts: whole,
            dimensions: count,
            base64: false,
        })
    }

    pub(crate) fn tokens(&self) -> u64 {
        let texts = self.texts.iter();
        texts
            .map(|text| (text.chars().count() as u64).div_ceil(4).max(1))
            .sum()
    }

    pub(crate) fn to_openai(&self, seed: u64) -> Value {
        let data = self.vectors(seed).enumerate().map(|(index, vector)| {
            let embedding = if self.base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
                Value::String(STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        });
        let data: Vec<Value> = data.collect();
        let tokens = self.tokens();
        json!({
            "object": "list",
            "data": data,
            "model": self.model,
            "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
        })
    }

    pub(crate) fn to_ollama(&self, seed: u64) -> Value {
        let vectors: Vec<Vec<f32>> = self.vectors(seed).collect();
        json!({
            "model": self.model,
            "embeddings": vectors,
            "total_duration": 1_000_000,
            "load_duration": 1000,
            "prompt_eval_count": self.tokens(),
        })
    }

    pub(crate) fn to_gemini(&self, seed: u64, is_batch: bool) -> Value {
        let vectors = self.vectors(seed);
        let values: Vec<Value> = vectors.map(|vector| json!({ "values": vector })).collect();
        match is_batch {
            true => json!({ "embeddings": values }),
            false => json!({ "embedding": values.first() }),
        }
    }

    /// Vectors of length one; the same text has the same.
    fn vectors(&self, seed: u64) -> impl Iterator<Item = Vec<f32>> {
        self.texts.iter().map(move |text| {
            let numbers: Vec<f64> = (0..self.dimensions)
                .map(|index| share(seed ^ (index as u64 + 1), text) - 0.5)
                .collect();
            let squares: f64 = numbers.iter().map(|number| number * number).sum();
            let length = squares.sqrt().max(f64::MIN_POSITIVE);
            numbers.iter().map(|n| (n / length) as f32).collect()
        })
    }
}

fn texts(fields: &Fields<'_>, name: &str) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::wrong(fields.at(name), "a non-empty string, or an array of them");
    match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(vec![text.clone()]),
        Some(Value::Array(texts)) if texts.len() > MAX_TEXTS => {
            Err(Problem::wrong(fields.at(name), "at most 2048 texts"))
        }
        Some(Value::Array(texts)) if !texts.is_empty() => texts
            .iter()
            .map(|text| {
                let text = text.as_str().filter(|text| !text.is_empty());
                text.map(str::to_owned).ok_or_else(wrong)
            })
            .collect(),
        Some(_) => Err(wrong()),
        None => Err(Problem::missing(fields.at(name))),
    }
}

fn dimensions(fields: &Fields<'_>, name: &str) -> Result<usize, Problem> {
    match fields.count(name)? {
        None => Ok(DIMENSIONS),
        Some(count) if count <= MAX_DIMENSIONS as u64 => Ok(count as usize),
        Some(_) => Err(Problem::wrong(fields.at(name), "at most 4096")),
    }
}

const DIMENSIONS: usize = 16;
const MAX_TEXTS: usize = 2048;
const MAX_DIMENSIONS: usize = 4096;
