use std::sync::Arc;

use fascine::branch::{
    DecodeFailure, DecodeOptions, PartialDecoder, PartialParser, RepairLimits, Schema,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The snapshots that these pieces give.
fn snapshots(pieces: &[&str]) -> Vec<Value> {
    let mut parser = PartialParser::new();
    let mut seen = Vec::new();
    for piece in pieces {
        seen.extend(parser.feed(piece).map(|snapshot| snapshot.value().clone()));
    }
    seen
}

#[test]
fn text_grows_before_the_eyes() {
    let pieces = [
        "{\"field\"",
        ": \"",
        "hel",
        "lo",
        "\"",
        ", \"n\": 1",
        "2",
        "}",
    ];
    let seen = snapshots(&pieces);
    let expected = [
        json!({}),
        json!({"field": ""}),
        json!({"field": "hel"}),
        json!({"field": "hello"}),
        json!({"field": "hello", "n": 12}),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn prose_thoughts_and_fences_before_the_document_are_passed() {
    for before in [
        "",
        "  \n",
        "Sure! ",
        "As [1] and {this} say: ",
        "<think>maybe {\"a\": 0}</think>",
        "```json\n",
        "Here:\n```\n",
        "\u{FEFF}",
        "`code` and then ",
    ] {
        let text = before.to_owned() + "{\"a\": [1, 2]}";
        let pieces: Vec<&str> = text.split_inclusive(|_: char| true).collect();
        assert_eq!(
            snapshots(&pieces).last(),
            Some(&json!({"a": [1, 2]})),
            "{before}"
        );
    }
}

#[test]
fn a_snapshot_says_what_still_grows() {
    let mut parser = PartialParser::new();
    let path = |parser: &mut PartialParser, piece: &str| {
        parser.feed(piece).unwrap().open_path().as_str().to_owned()
    };
    assert_eq!(path(&mut parser, "{\"a/b\": [\"x"), "/a~1b/0");
    assert_eq!(path(&mut parser, "\", {\"c\": "), "/a~1b/1");
    assert_eq!(path(&mut parser, "1}"), "/a~1b");
    assert!(!parser.snapshot().unwrap().is_complete());
    assert!(parser.feed("]}").is_none(), "the value is what it was");
    assert!(parser.snapshot().unwrap().is_complete());
}

#[test]
fn at_a_fault_it_stops_and_the_end_repairs_all() {
    let schema = Schema::from_value("x", json!({"type": "object"})).unwrap();
    let mut parser = PartialParser::new();
    assert!(parser.feed("{\"a\": \"good\", ").is_some());
    for piece in ["b: 'odd', ", "\"c\": 3", "}"] {
        assert!(parser.feed(piece).is_none());
    }
    let decoded = parser
        .finish::<Value>(&schema, &DecodeOptions::default())
        .unwrap();
    assert_eq!(decoded.value, json!({"a": "good", "b": "odd", "c": 3}));
    assert!(!decoded.repairs.is_empty());
}

#[test]
fn faults_that_need_no_guess_do_not_stop_it() {
    let seen = snapshots(&["{\"a\": True, \"b\": \"two\nlines \\q\", \"c\": [1, ], }"]);
    assert_eq!(seen, [json!({"a": true, "b": "two\nlines \\q", "c": [1]})]);
}

#[test]
fn another_document_after_the_first_counts_at_the_end() {
    let schema = json!({"type": "object", "required": ["b"]});
    let schema = Schema::from_value("x", schema).unwrap();
    let mut parser = PartialParser::new();
    parser.feed("{\"a\": 1}\n{\"b\": 2}");
    assert_eq!(parser.snapshot().unwrap().value(), &json!({"a": 1}));
    let decoded = parser
        .finish::<Value>(&schema, &DecodeOptions::default())
        .unwrap();
    assert_eq!(decoded.value, json!({"b": 2}));
}

#[test]
fn too_much_text_and_too_many_levels_end_it() {
    let schema = Schema::from_value("x", json!({})).unwrap();
    let mut parser = PartialParser::with_limits(RepairLimits::default().with_bytes(10));
    assert!(parser.feed("[1, 2, ").is_some());
    assert!(parser.feed("3, 4, 5]").is_none());
    let error = parser
        .finish::<Value>(&schema, &DecodeOptions::default())
        .unwrap_err();
    assert!(matches!(error.failure, DecodeFailure::Json { .. }));
    let mut parser = PartialParser::new();
    for _ in 0..100_000 {
        parser.feed("[[");
    }
    assert!(
        parser
            .finish::<Value>(&schema, &DecodeOptions::default())
            .is_err()
    );
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Draft {
    summary: String,
    mood: Option<Mood>,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Analysis {
    summary: String,
    mood: Mood,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mood {
    Calm,
    Cross,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Item {
    name: String,
    price: u32,
}

#[test]
fn typed_snapshots_leave_out_what_is_not_yet_what_it_has_to_be() {
    let mut decoder = PartialDecoder::<Draft>::new();
    let mut seen: Vec<Arc<Draft>> = Vec::new();
    let text = r#"{"summary": "ab", "mood": "cross", "items": [{"name": "x", "price": 12}, {"name": "y", "price": 3}]}"#;
    for piece in text.split_inclusive(|_: char| true) {
        seen.extend(decoder.feed(piece));
    }
    let seen: Vec<(&str, Option<&Mood>, usize)> = seen
        .iter()
        .map(|draft| {
            (
                draft.summary.as_str(),
                draft.mood.as_ref(),
                draft.items.len(),
            )
        })
        .collect();
    let expected = [
        ("", None, 0),
        ("a", None, 0),
        ("ab", None, 0),
        ("ab", Some(&Mood::Cross), 0),
        ("ab", Some(&Mood::Cross), 1),
        ("ab", Some(&Mood::Cross), 2),
    ];
    assert_eq!(seen, expected);
    let schema = Schema::of::<Analysis>().unwrap();
    let decoded = decoder
        .finish::<Analysis>(&schema, &DecodeOptions::default())
        .unwrap();
    assert_eq!(decoded.value.items[1].price, 3);
}

#[test]
fn a_stream_that_breaks_off_is_an_error_with_what_there_is() {
    let mut decoder = PartialDecoder::<Draft>::new();
    decoder.feed(r#"{"summary": "ab", "mood": "cr"#);
    let schema = Schema::of::<Analysis>().unwrap();
    let error = decoder
        .finish::<Analysis>(&schema, &DecodeOptions::default())
        .unwrap_err();
    let incomplete = error.incomplete().unwrap();
    assert_eq!(incomplete.value["summary"], "ab");
    assert_eq!(incomplete.missing.len(), 1, "the items");
    assert_eq!(incomplete.invalid.len(), 1, "half a mood");
}

/// An answer of about so many bytes: one long text, or many items.
fn answer(bytes: usize, is_text: bool) -> String {
    let body = match is_text {
        true => json!({"summary": "word ".repeat(bytes / 5)}),
        false => {
            let items: Vec<Value> = (0..bytes / 35)
                .map(|at| json!({"name": format!("item {at}"), "price": at}))
                .collect();
            json!({"items": items, "summary": "s"})
        }
    };
    body.to_string()
}

/// Work to a byte, counted: it is the same for small texts and large ones, in few pieces and many.
#[test]
fn all_snapshots_together_are_linear_work() {
    for is_text in [true, false] {
        for bytes in [10_000, 100_000, 1_000_000] {
            for pieces in [10, 1_000, 5_000] {
                let text = answer(bytes, is_text);
                let mut decoder = PartialDecoder::<Draft>::new();
                let mut count = 0;
                for piece in text.as_bytes().chunks(text.len() / pieces + 1) {
                    count +=
                        usize::from(decoder.feed(std::str::from_utf8(piece).unwrap()).is_some());
                }
                // Reading, twice as much for snapshots, the allowance, and six moves for a piece.
                let most = 3 * text.len() as u64 + (512 << 10) + 6 * 2 * pieces as u64;
                assert!(decoder.work() <= most, "{} of {most}", decoder.work());
                assert!(
                    count >= 3,
                    "{count} snapshots of {bytes} bytes in {pieces} pieces"
                );
            }
        }
    }
}

#[test]
fn a_small_answer_is_seen_at_every_change() {
    let text = answer(4_000, true);
    let mut decoder = PartialDecoder::<Draft>::new();
    let mut seen = 0;
    for piece in text.as_bytes().chunks(4) {
        seen += usize::from(decoder.feed(std::str::from_utf8(piece).unwrap()).is_some());
    }
    // The first pieces are the key.
    assert!(seen + 5 >= text.len() / 4, "{seen} of {}", text.len() / 4);
}
