use fascine::http::sse::{Decoder, Event};
use proptest::collection::vec;
use proptest::prelude::*;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String, String)> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece).unwrap();
        while let Some(Event {
            event, data, id, ..
        }) = decoder.next_event()
        {
            events.push((event, data, id));
        }
    }
    events
}

const STREAM: &str = "\u{FEFF}: a comment\n\
    data: one\n\n\
    event: greeting\r\ndata:two\r\ndata: lines \u{1F577}\r\nid: 7\r\n\r\n\
    data\rdata\r\r\
    retry: 5\nunknown: field\ndata: three\n\n\
    event: nothing\n\n\
    id: 8\n\n\
    data:  two spaces\n\n\
    data: unfinished";

fn expected() -> Vec<(String, String, String)> {
    let event = |event: &str, data: &str, id: &str| (event.into(), data.into(), id.into());
    vec![
        event("", "one", ""),
        event("greeting", "two\nlines \u{1F577}", "7"),
        event("", "\n", "7"),
        event("", "three", "7"),
        event("", " two spaces", "8"),
    ]
}

#[test]
fn a_stream_means_the_same_however_it_is_split() {
    let bytes = STREAM.as_bytes();
    assert_eq!(decode([bytes]), expected());
    assert_eq!(decode(bytes.chunks(1)), expected());
    for cut in 0..bytes.len() {
        assert_eq!(
            decode([&bytes[..cut], &bytes[cut..]]),
            expected(),
            "cut at {cut}"
        );
    }
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(random.usize(0..=rest.len().min(9)));
            pieces.push(piece);
            rest = more;
        }
        assert_eq!(decode(pieces), expected(), "seed {seed}");
    }
}

#[test]
fn what_is_not_utf8_is_replaced() {
    assert_eq!(decode([&b"data: a\xFFb\n\n"[..]])[0].1, "a\u{FFFD}b");
}

#[test]
fn an_event_without_end_is_cut_off() {
    let mut decoder = Decoder::with_limit(100);
    decoder.push(b"data: small\n\n").unwrap();
    let error = (0..100).find_map(|_| decoder.push(b"data: 0123456789\n").err());
    assert_eq!(
        error.unwrap().to_string(),
        "an event of the stream is larger than 100 bytes"
    );
    let mut decoder = Decoder::with_limit(100);
    assert!(decoder.push(&[b'x'; 101]).is_err());
}

#[test]
fn an_id_that_every_event_would_carry_is_cut_off_early() {
    let mut decoder = Decoder::new();
    decoder.push(b"data: before\n\n").unwrap();
    let long = format!("id: {}\n", "x".repeat(5000));
    assert!(decoder.push(long.as_bytes()).is_err());
    assert_eq!(decoder.next_event().unwrap().data, "before");
    assert!(
        decoder.push(b"data: after\n\n").is_err(),
        "an error is for good"
    );
}

#[test]
fn events_that_wait_cost_what_they_hold() {
    let mut decoder = Decoder::new();
    decoder
        .push(format!("id: {}\n", "x".repeat(4000)).as_bytes())
        .unwrap();
    let used = allocation_counter::measure(|| decoder.push(&b"data\n\n".repeat(10_000)).unwrap());
    assert!(used.bytes_max < 2_000_000, "{} bytes", used.bytes_max);
}

/// What event streams are made of.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "data",
        "event",
        "id",
        "retry",
        ":",
        ": ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{FEFF}",
        "\u{1F577}",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(|token| token.as_bytes().to_vec()),
        vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn any_stream_means_the_same_however_it_is_split(
        tokens in vec(token(), 0..60),
        cuts in vec(0_usize..12, 0..40),
    ) {
        let bytes = tokens.concat();
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        prop_assert_eq!(decode(pieces), decode([bytes.as_slice()]));
    }
}
