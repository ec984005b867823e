//! Letters that servers cut in two: JSON of UTF-16 units, one in each of two pieces.

use fascine::model::{Anthropic, Chunk, Gemini, Ollama, OpenAi, Provider, Responses};

/// The texts of a stream, and whether it was whole.
fn texts(provider: &dyn Provider, stream: &str) -> (String, bool) {
    let mut decoder = provider.decoder();
    let mut chunks = Vec::new();
    decoder.push(stream.as_bytes(), &mut chunks).unwrap();
    decoder.finish(&mut chunks).unwrap();
    let texts = chunks.into_iter().filter_map(|chunk| match chunk {
        Chunk::Text(text) => Some(text),
        _ => None,
    });
    (texts.collect(), decoder.is_complete())
}

/// The pieces of an answer, each in an event.
fn stream(start: &str, piece: impl Fn(&str) -> String, end: &str) -> String {
    // One letter is cut, and one half has lost the other.
    let pieces = [r"a \ud83d", r"\udd77 b", r"\udd77 c"];
    let pieces: String = pieces.into_iter().map(piece).collect();
    format!("{start}{pieces}{end}")
}

#[test]
fn a_letter_in_halves_is_whole_over_every_api() {
    let url = "http://localhost/v1";
    let data = |json: String| format!("data: {json}\n\n");
    let streams: [(Box<dyn Provider>, String); 5] = [
        (
            Box::new(OpenAi::new(url, "m").unwrap()),
            stream(
                "",
                |text| {
                    data(format!(
                        r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#
                    ))
                },
                "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
            ),
        ),
        (
            Box::new(Responses::new(url, "m").unwrap()),
            stream(
                "",
                |text| {
                    let kind =
                        r#""type":"response.output_text.delta","output_index":0,"content_index":0"#;
                    data(format!(r#"{{{kind},"delta":"{text}"}}"#))
                },
                "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n",
            ),
        ),
        (
            Box::new(Anthropic::new(url, "m").unwrap()),
            stream(
                "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                |text| {
                    let delta = format!(r#"{{"type":"text_delta","text":"{text}"}}"#);
                    data(format!(
                        r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#
                    ))
                },
                "data: {\"type\":\"message_stop\"}\n\n",
            ),
        ),
        (
            Box::new(Gemini::new("http://localhost", "m").unwrap()),
            stream(
                "",
                |text| {
                    let content = format!(r#"{{"role":"model","parts":[{{"text":"{text}"}}]}}"#);
                    data(format!(r#"{{"candidates":[{{"content":{content}}}]}}"#))
                },
                "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
            ),
        ),
        (
            Box::new(Ollama::new("http://localhost", "m").unwrap()),
            stream(
                "",
                |text| {
                    format!("{{\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}}}}\n")
                },
                "{\"done\":true,\"done_reason\":\"stop\"}\n",
            ),
        ),
    ];
    for (provider, stream) in streams {
        let expected = ("a 🕷 b\u{fffd} c".to_owned(), true);
        assert_eq!(texts(&*provider, &stream), expected, "{}", provider.name());
    }
}

#[test]
fn a_text_means_the_same_however_its_units_are_cut() {
    let provider = Ollama::new("http://localhost", "m").unwrap();
    let text = "🕷a\"🦵🦵\\u\\é🕷";
    let units: Vec<u16> = text.encode_utf16().collect();
    for size in 1..=units.len() {
        let pieces = units.chunks(size).map(|units| {
            let escapes = units.iter().map(|unit| format!("\\u{unit:04x}"));
            let escapes: String = escapes.collect();
            format!("{{\"message\":{{\"content\":\"{escapes}\"}}}}\n")
        });
        let stream: String = pieces.chain(["{\"done\":true}".to_owned()]).collect();
        assert_eq!(texts(&provider, &stream), (text.to_owned(), true), "{size}");
    }
}
