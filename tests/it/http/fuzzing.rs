//! The fuzzer's laws, over its seeds and their neighbours: `tests/fuzz` searches further.

#[path = "../../fuzz/laws.rs"]
mod laws;

/// The seed itself, and random changes of it.
fn around(seed: &[u8], law: fn(&[u8])) {
    law(seed);
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let mut bytes = seed.to_vec();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes.insert(at, random.choice(*b"\r\n: \0").unwrap_or(b'\n')),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        law(&bytes);
    }
}

#[test]
fn the_sse_decoder_keeps_its_laws() {
    around(include_bytes!("../../fuzz/corpus/sse/stream"), laws::sse);
    around(include_bytes!("../../fuzz/corpus/sse/hostile"), laws::sse);
    laws::sse(b"");
}

#[test]
fn the_ndjson_decoder_keeps_its_laws() {
    around(
        include_bytes!("../../fuzz/corpus/ndjson/stream"),
        laws::ndjson,
    );
    around(
        include_bytes!("../../fuzz/corpus/ndjson/hostile"),
        laws::ndjson,
    );
    laws::ndjson(b"");
}
