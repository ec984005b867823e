//! What holds of the decoders for any bytes at all. The fuzzer and the tests run the same functions.
#![allow(dead_code, reason = "each target has one of them")]

use fascine::http::{ndjson, sse};

/// Splits the bytes where the first of them says, and holds the pieces to what the whole means.
pub(crate) fn sse(bytes: &[u8]) {
    let (split, stream) = split(bytes);
    let (whole, pieces) = (
        sse_events(&[stream]),
        sse_events(&[&stream[..split], &stream[split..]]),
    );
    assert_eq!(whole, pieces);
    let size: usize = whole.0.iter().map(|event| event.data.len()).sum();
    assert!(size <= 3 * stream.len(), "more came out than was put in");
}

/// As [`sse`], of lines.
pub(crate) fn ndjson(bytes: &[u8]) {
    let (split, stream) = split(bytes);
    let (whole, pieces) = (
        lines(&[stream]),
        lines(&[&stream[..split], &stream[split..]]),
    );
    assert_eq!(whole, pieces);
    let size: usize = whole.0.iter().map(Vec::len).sum();
    assert!(size <= stream.len(), "more came out than was put in");
}

fn split(bytes: &[u8]) -> (usize, &[u8]) {
    match bytes {
        [first, stream @ ..] => (usize::from(*first).min(stream.len()), stream),
        [] => (0, bytes),
    }
}

fn sse_events(pieces: &[&[u8]]) -> (Vec<sse::Event>, bool) {
    let mut decoder = sse::Decoder::with_limit(LIMIT);
    let mut events = Vec::new();
    let mut failed = false;
    for piece in pieces {
        failed |= decoder.push(piece).is_err();
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    (events, failed)
}

fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = ndjson::Decoder::with_limit(LIMIT);
    let mut lines = Vec::new();
    let mut failed = false;
    for piece in pieces {
        failed |= decoder.push(piece).is_err();
        lines.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    lines.extend(std::iter::from_fn(|| decoder.finish()));
    assert!(lines.iter().all(|line| line.len() <= LIMIT));
    (lines.into_iter().map(Vec::from).collect(), failed)
}

/// Small enough for a fuzzer to get past it.
const LIMIT: usize = 64;
