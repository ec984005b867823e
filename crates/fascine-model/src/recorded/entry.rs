use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Accumulator, Chunk, Delivery, Response};

/// A line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) request: Value,
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "delivery", rename_all = "snake_case")]
pub(crate) enum Answer {
    Stream { attempts: u32, chunks: Vec<Chunk> },
    Whole { response: Response },
}

impl Answer {
    pub(crate) fn delivery(&self) -> Delivery {
        match self {
            Self::Stream { .. } => Delivery::Stream,
            Self::Whole { .. } => Delivery::Whole,
        }
    }

    pub(crate) fn into_response(self) -> Response {
        match self {
            Self::Whole { response } => response,
            Self::Stream { attempts, chunks } => {
                let mut answer = Accumulator::new();
                chunks.iter().for_each(|chunk| answer.push(chunk));
                let mut response = answer.into_response();
                response.attempts = attempts;
                response
            }
        }
    }
}
