use fascine::http::ndjson::Decoder;
use proptest::collection::vec;
use proptest::prelude::*;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new();
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.push(piece).unwrap();
        lines.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    lines.extend(std::iter::from_fn(|| decoder.finish()));
    lines.into_iter().map(Vec::from).collect()
}

#[test]
fn lines_are_found_however_they_end() {
    let stream = "\u{FEFF}{\"a\":1}\r\n\n  \t\r\n{\"b\":\"\u{1F577}\"}\n{\"c\":3}";
    let expected = ["{\"a\":1}", "{\"b\":\"\u{1F577}\"}", "{\"c\":3}"];
    assert_eq!(
        decode([stream.as_bytes()]),
        expected.map(|line| line.as_bytes().to_vec())
    );
    assert_eq!(
        decode([stream.as_bytes()]),
        decode(stream.as_bytes().chunks(1))
    );
    assert!(decode([&b""[..]]).is_empty());
    // A carriage return inside a line is no end of it.
    assert_eq!(decode([&b"a\rb\n"[..]]), [b"a\rb"]);
}

#[test]
fn a_line_without_end_is_cut_off_and_the_lines_before_it_are_not_lost() {
    let mut decoder = Decoder::with_limit(10);
    assert!(decoder.push(b"1234567890\n12345678901").is_err());
    assert_eq!(decoder.next_line().unwrap(), "1234567890");
    let mut decoder = Decoder::with_limit(10);
    let error = (0..20).find_map(|_| decoder.push(b"x").err()).unwrap();
    assert_eq!(
        error.to_string(),
        "a line of the stream is larger than 10 bytes"
    );
    // Many small lines are no large one.
    let mut decoder = Decoder::with_limit(10);
    assert!(decoder.push(&b"12345\n".repeat(1000)).is_ok());
}

proptest! {
    #[test]
    fn a_stream_means_the_same_however_it_is_split(
        bytes in vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..200),
        cuts in vec(0_usize..20, 0..40),
    ) {
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
