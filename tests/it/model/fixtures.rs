//! Recorded answers, and the laws that every mapping keeps with every one of them.

use std::path::PathBuf;

use fascine::message::Part;
use fascine::model::{Accumulator, Chunk, ModelFailure, Provider, Response};
use http::HeaderMap;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// A request, the answer to it, and what the provider's own SDK made of that.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) name: String,
    /// The body of the request.
    pub(super) request: Value,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The body of the answer.
    pub(super) body: Vec<u8>,
    /// Whether the answer came in pieces.
    pub(super) streamed: bool,
    /// What the SDK read; null if it raised an error.
    pub(super) parsed: Value,
}

/// Every fixture whose name begins so, in order. Whoever adds one to the directory has it tested.
pub(super) fn all(prefix: &str) -> Vec<Fixture> {
    let manifest = json_file("manifest.json");
    let cases = manifest["cases"].as_array().unwrap().iter();
    let answered = cases.filter(|case| case["response"].is_string());
    let named = answered.filter(|case| text(&case["name"]).starts_with(prefix));
    named.map(read).collect()
}

/// The fixture of this name.
pub(super) fn one(name: &str) -> Fixture {
    let mut found = all(name);
    found.retain(|fixture| fixture.name == name);
    found.pop().expect("there is no such fixture")
}

fn read(case: &Value) -> Fixture {
    let name = text(&case["name"]).to_owned();
    let response = text(&case["response"]);
    let headers = case["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| {
        let name: http::HeaderName = name.parse().unwrap();
        (name, text(value).parse().unwrap())
    });
    Fixture {
        request: json_file(text(&case["request"])),
        status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
        headers: headers.collect(),
        body: std::fs::read(directory().join(response)).unwrap(),
        streamed: response.ends_with(".sse") || response.ends_with(".ndjson"),
        parsed: json_file(&format!("{name}.expect.json"))["parsed"].clone(),
        name,
    }
}

impl Fixture {
    /// The head of the answer.
    pub(super) fn head(&self) -> http::response::Parts {
        let mut response = http::Response::new(());
        *response.status_mut() = self.status.try_into().unwrap();
        *response.headers_mut() = self.headers.clone();
        response.into_parts().0
    }

    /// Reads the answer, and holds the laws to it: those of streams, or those of documents.
    pub(super) fn answer(&self, provider: &dyn Provider) -> Result<Response, ModelFailure> {
        if self.streamed {
            check_splits(provider, &self.body);
            check_cuts(provider, &self.body);
            check_damage(&self.body, |bytes| check_split_in_bytes(provider, bytes));
            read_stream(provider, [&self.body[..]])
        } else {
            check_document_cuts(provider, &self.body);
            check_damage(&self.body, |bytes| drop(provider.response(bytes)));
            provider.response(&self.body)
        }
    }
}

/// What there is to see of an answer, in a form that is easy to compare.
pub(super) fn seen(response: &Response) -> Value {
    let message = &response.message;
    let reasoning = message.content().iter().filter_map(|part| match part {
        Part::Reasoning(reasoning) => Some(reasoning.text.as_str()),
        _ => None,
    });
    let calls = message
        .tool_calls()
        .map(|call| json!({ "id": call.id, "name": call.name, "arguments": call.arguments }));
    json!({
        "text": message.text(),
        "reasoning": reasoning.collect::<String>(),
        "tool_calls": calls.collect::<Vec<_>>(),
        "finish_reason": response.finish_reason.as_str(),
        "prompt_tokens": response.usage.prompt_tokens,
        "completion_tokens": response.usage.completion_tokens,
    })
}

/// Reads a stream that comes in these pieces; `Truncated` if it ends before the provider has said that this was all.
pub(super) fn read_stream<'a>(
    provider: &dyn Provider,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Response, ModelFailure> {
    let mut answer = Accumulator::new();
    for chunk in &chunks(provider, pieces)? {
        answer.push(chunk);
    }
    Ok(answer.into_response())
}

/// As [`read_stream`], but gives the pieces of the answer themselves.
pub(super) fn chunks<'a>(
    provider: &dyn Provider,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Chunk>, ModelFailure> {
    let mut decoder = provider.decoder();
    let mut chunks = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    if decoder.is_complete() {
        Ok(chunks)
    } else {
        Err(ModelFailure::Truncated)
    }
}

/// A stream means the same whole, in bytes, in lines, cut in two at a thousand places, and in 200 random splits.
pub(super) fn check_splits(provider: &dyn Provider, bytes: &[u8]) {
    let whole = shown(chunks(provider, [bytes]));
    check_split_in_bytes(provider, bytes);
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    assert_eq!(shown(chunks(provider, lines)), whole, "in lines");
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / 1024) {
        let halves = [&bytes[..cut], &bytes[cut..]];
        assert_eq!(shown(chunks(provider, halves)), whole, "cut at {cut}");
    }
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rest = bytes;
        let pieces = std::iter::from_fn(|| {
            let most = rest.len().min(1 + random.usize(..200));
            let (piece, after) = rest.split_at(random.usize(..=most));
            rest = after;
            (!piece.is_empty() || !rest.is_empty()).then_some(piece)
        });
        assert_eq!(shown(chunks(provider, pieces)), whole, "seed {seed}");
    }
}

fn check_split_in_bytes(provider: &dyn Provider, bytes: &[u8]) {
    let whole = shown(chunks(provider, [bytes]));
    assert_eq!(shown(chunks(provider, bytes.chunks(1))), whole, "in bytes");
}

/// A stream that ends early, at whatever byte, is never taken for a whole one.
pub(super) fn check_cuts(provider: &dyn Provider, bytes: &[u8]) {
    let whole = shown(read_stream(provider, [bytes]));
    for end in 0..bytes.len() {
        if let Ok(response) = read_stream(provider, [&bytes[..end]]) {
            // The provider had said that this was all: then it is all.
            assert_eq!(shown(Ok(response)), whole, "ends at {end}");
        }
    }
}

/// So is a document.
fn check_document_cuts(provider: &dyn Provider, bytes: &[u8]) {
    for end in 0..bytes.trim_ascii_end().len() {
        let cut = provider.response(&bytes[..end]);
        assert!(cut.is_err(), "ends at {end}: {cut:?}");
    }
}

/// Whatever happens to the bytes, nothing panics, and `check` holds.
pub(super) fn check_damage(bytes: &[u8], check: impl Fn(&[u8])) {
    let damage = proptest::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..4);
    let config = Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&damage, |damage| {
        let mut bytes = bytes.to_vec();
        for (at, byte, kind) in damage {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 | 1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        check(&bytes);
        Ok(())
    });
    run.unwrap();
}

/// Failures cannot be compared, but their words can.
fn shown<T: std::fmt::Debug>(result: Result<T, ModelFailure>) -> String {
    format!("{result:?}")
}

fn json_file(name: &str) -> Value {
    let bytes = std::fs::read(directory().join(name)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("model/wire")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
