use fascine::branch::{RepairError, RepairKind, RepairLimits, Repaired, repair_json};
use serde_json::{Value, json};

fn repair(text: &str) -> Repaired {
    repair_json(text, &RepairLimits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

macro_rules! corpus {
    ($($class:ident: $count:literal,)+) => {$(
        mod $class {
            #[test]
            fn every_case_of_the_corpus_has_its_value() {
                let cases = include_str!(concat!("repair_corpus/", stringify!($class), ".json"));
                super::hold(cases, $count);
            }
        }
    )+};
}

// By what is wrong with the text, and how many cases there are of it.
corpus! {
    closers: 25,
    comments: 18,
    commas: 24,
    cut_off: 35,
    documents: 9,
    ellipsis: 9,
    fences: 23,
    inner_quotes: 15,
    keys: 3,
    literals: 10,
    missing_quotes: 9,
    mixed: 5,
    numbers: 18,
    prose: 20,
    python: 16,
    quotes: 22,
    separators: 15,
    strings: 25,
    unquoted: 19,
    whitespace: 7,
}

fn hold(cases: &str, count: usize) {
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    assert_eq!(cases.len(), count);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let repaired = repair(text);
        assert_eq!(repaired.value, case["value"], "of {text}");
        assert!(!repaired.is_clean(), "{text} is not broken");
        let again = repair(&repaired.value.to_string());
        assert!(again.is_clean() && again.value == repaired.value, "{text}");
    }
}

#[test]
fn every_kind_of_repair_is_reported_where_it_is_done() {
    use RepairKind::*;
    let cases = [
        (r#"{"a": "\q"}"#, BadEscape, 7),
        ("[f(1)]", Call, 4),
        ("[1 /* a */]", Comment, 3),
        (r#"{"a": "b" + "c"}"#, Concatenated, 12),
        ("[\"a\n\"]", ControlCharacter, 3),
        ("[1", CutOff, 1),
        (r#"{{"a": 1}}"#, DoubledBraces, 9),
        (r#"{"a": 1, "a": 2,}"#, DuplicateKey, 15),
        ("[1, ...]", Ellipsis, 4),
        (r#"[\"a\"]"#, Escaped, 1),
        ("[1]]", ExtraCloser, 3),
        ("[,1]", ExtraComma, 1),
        ("```\n[1]\n```", Fence, 3),
        (r#"["a "b" c"]"#, InnerQuote, 4),
        (r#"{"a" = 1}"#, KeySeparator, 5),
        ("[True]", Literal, 1),
        (r#"{"a": [1}"#, MissingCloser, 8),
        (r#"{"a" 1}"#, MissingColon, 5),
        ("[1 2]", MissingComma, 3),
        ("{: 1}", MissingKey, 1),
        (r#""a": 1"#, MissingOpener, 0),
        ("{\"a\": \"b\n}", MissingQuote, 8),
        (r#"{"a": }"#, MissingValue, 6),
        ("[NaN]", NonFinite, 1),
        ("[.5]", Number, 1),
        ("so: [1, 2]", Prose, 0),
        ("['a']", Quotes, 1),
        ("[1; 2]", Semicolon, 2),
        ("{1, 2}", Set, 5),
        ("[1][2]", SeveralDocuments, 0),
        ("[u'a']", StringPrefix, 1),
        ("[1,]", TrailingComma, 3),
        ("[(1, 2)]", Tuple, 6),
        ("{a: 1}", UnquotedKey, 1),
        ("[a]", UnquotedValue, 1),
        ("\u{FEFF}[1]", Whitespace, 0),
        (r#"{"a": [1}, "b": 2}"#, WrongCloser, 8),
    ];
    for (text, kind, at) in cases {
        let repaired = repair(text);
        let found = repaired.repairs.iter().find(|repair| repair.kind == kind);
        let found = found.unwrap_or_else(|| panic!("{text}: {:?}", repaired.repairs));
        assert_eq!(found.at, at, "{kind} in {text}");
    }
}

#[test]
fn repairs_are_listed_up_to_a_limit_and_counted_beyond_it() {
    let limits = RepairLimits::default().with_listed(2);
    let repaired = repair_json("[a, b, c, d]", &limits).unwrap();
    assert_eq!((repaired.repairs.len(), repaired.unlisted), (2, 2));
    assert_eq!(repaired.repairs[0].to_string(), "unquoted value at byte 1");
}

#[test]
fn what_is_cut_off_says_so_even_if_the_list_is_full() {
    let limits = RepairLimits::default().with_listed(0);
    assert!(repair_json("[a, b", &limits).unwrap().is_cut_off());
    assert!(!repair_json("[a, b]", &limits).unwrap().is_cut_off());
}

#[test]
fn several_documents_are_counted() {
    assert_eq!(repair("{\"a\": 1}\n{\"a\": 2}").documents, 2);
    assert_eq!(repair("[{\"a\": 1}, {\"a\": 2}]").documents, 1);
}

#[test]
fn a_text_without_json_is_an_error() {
    let limits = RepairLimits::default();
    for text in ["", "  \n", "\u{FEFF}"] {
        let error = repair_json(text, &limits).unwrap_err();
        assert!(
            matches!(error, RepairError::Empty | RepairError::NoJson { .. }),
            "{text:?}"
        );
    }
    for text in [
        "I cannot help with that.",
        "No",
        "tru",
        "see [1] and [the docs](x) or {that}",
        "\"Hello\" is a \"greeting\"",
        "```rust\nfn main() {}\n```",
        "-",
    ] {
        let error = repair_json(text, &limits).unwrap_err();
        assert_eq!(error, RepairError::NoJson { bytes: text.len() }, "{text}");
    }
}

#[test]
fn each_bound_has_its_error() {
    let text = "[[1], [[2]], ";
    let limits = RepairLimits::default().with_bytes(4);
    let error = repair_json(text, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the text has 13 bytes, and at most 4 are read"
    );
    for text in [text, "[[1], [[2]]]"] {
        let error = repair_json(text, &RepairLimits::default().with_depth(2)).unwrap_err();
        assert_eq!(error, RepairError::TooDeep { at: 7, limit: 2 });
        assert!(repair_json(text, &RepairLimits::default().with_depth(3)).is_ok());
    }
    let error = repair_json(text, &RepairLimits::default().with_steps(3)).unwrap_err();
    assert!(matches!(error, RepairError::TooMuchWork { limit: 3, .. }));
}

#[test]
fn a_comma_that_is_an_escape_is_not_taken_for_the_one_between_fields() {
    let repaired = repair("{\"x\": 1, \"a\": \"b\\u002c \n \"c\": 2}");
    assert_eq!(repaired.value, json!({"x": 1, "a": "b,", "c": 2}));
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    let deep = "[".repeat(1_000_000);
    let error = repair_json(&deep, &RepairLimits::default()).unwrap_err();
    assert_eq!(
        error,
        RepairError::TooDeep {
            at: 126,
            limit: 126
        }
    );
    let valid = "[".repeat(127) + &"]".repeat(127);
    assert_eq!(repair(&valid).steps, 0);
}

/// Steps to a byte of texts that grow: they must not grow with it.
#[test]
fn the_work_is_linear_in_the_length_of_the_text() {
    let hostile: [(&str, &str); 24] = [
        ("[", "1 "),
        ("[", "a b "),
        ("[", "\"a\" \"b\" "),
        ("{\"a\": \"", "\" x"),
        ("{\"a\": \"", "\","),
        ("{\"a\": \"", "\", \"b "),
        ("{\"a\": \"", ",\n"),
        ("{\"a\": \"", "   \n   \""),
        ("{\"a\": \"", "\" \"b\" c"),
        ("{", "\"a\" "),
        ("{", "a"),
        ("{", "{\"a\":1},"),
        ("", "{ "),
        ("x", "{"),
        ("x", "{a"),
        ("x", "{'a "),
        ("x", "[\""),
        ("", "```"),
        ("", "```json\n"),
        ("", "<think>"),
        ("[", "\"\"\"a"),
        ("[", "'''"),
        ("[", "/* "),
        ("[", "a-$\u{e9}"),
    ];
    for (head, part) in hostile {
        let steps = |parts: usize| {
            let text = head.to_owned() + &part.repeat(parts);
            let limits = RepairLimits::default().with_steps(24 * text.len() as u64 + 1_024);
            match repair_json(&text, &limits) {
                Ok(_) | Err(RepairError::NoJson { .. } | RepairError::TooDeep { .. }) => {}
                Err(error) => panic!("{head}{part}..: {error}"),
            }
        };
        steps(1_000);
        steps(20_000);
    }
}

#[test]
fn a_string_that_is_written_as_json_is_read_as_it_stands_wherever_it_is() {
    let odd = [
        "",
        "\"",
        "\\",
        ",",
        "\",",
        "\": ",
        "}",
        "\"}",
        "],",
        "a\", \"b\": 1",
        "// no",
        "/* no",
        "# no",
        "'",
        "```",
        "...",
        "\n",
        "\u{0}",
        "\u{1F577}",
        "{\"a\": 1}",
        "\\u0041",
        "NaN",
    ];
    for text in odd {
        for other in odd {
            // The comma at the end is what breaks it.
            let value = json!({"a": text, other: [text, other], "c": {"d": other}});
            let text = value.to_string();
            let broken = text.strip_suffix('}').unwrap().to_owned() + ",}";
            assert_eq!(repair(&broken).value, value, "{broken}");
        }
    }
}
