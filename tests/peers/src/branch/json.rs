use std::fmt::Write;
use std::hint::black_box;

use fascine_branch::{PartialDecoder, RepairLimits, repair_json};
use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Options, peer};

/// Answers as values, against `serde_json` on the same text without its faults.
pub(crate) fn run(options: &Options) {
    if !options.wants_some_of("branch/repair") && !options.wants_some_of("branch/partial") {
        return;
    }
    let valid = text(|_| None);
    let broken = text(|at| Some(FAULTS[at % FAULTS.len()]));
    let limits = RepairLimits::default();
    let parse = || drop(black_box(serde_json::from_str::<Value>(black_box(&valid))));
    let repair = |text: &str| drop(black_box(repair_json(black_box(text), &limits)));
    let serde = || vec![peer("serde_json", parse)];
    options.compare("branch/repair_valid", 1, || repair(&valid), serde());
    options.compare("branch/repair_broken", 1, || repair(&broken), serde());
    let pieces: Vec<&str> = pieces(&valid, PIECES);
    options.compare("branch/partial", 1, || watch(&pieces), serde());
}

/// What is watched while it is written.
#[derive(Deserialize, PartialEq)]
struct Item {
    id: u64,
    name: String,
    score: f64,
    tags: Vec<String>,
    ok: bool,
}

fn watch(pieces: &[&str]) {
    let mut decoder = PartialDecoder::<Vec<Item>>::new();
    for piece in pieces {
        drop(black_box(decoder.feed(piece)));
    }
    let complete = decoder.parser().snapshot();
    assert!(complete.is_some_and(|snapshot| snapshot.is_complete()));
}

/// A MiB of objects, with what is to be replaced in each of them by what.
fn text(fault: impl Fn(usize) -> Option<(&'static str, &'static str)>) -> String {
    let mut text = "[".to_owned();
    for at in 0.. {
        if text.len() >= 1 << 20 {
            break;
        }
        let mut item = String::new();
        let written = write!(
            item,
            r#"{{"id": {at}, "name": "item number {at}", "score": {}.5, "tags": ["a", "b"], "ok": true}}"#,
            at % 100
        );
        debug_assert!(written.is_ok());
        if let Some((right, wrong)) = fault(at) {
            item = item.replacen(right, wrong, 1);
        }
        text.push_str(if at == 0 { "" } else { "," });
        text.push_str(&item);
    }
    text.push(']');
    text
}

fn pieces(text: &str, count: usize) -> Vec<&str> {
    let length = text.len().div_ceil(count);
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

const PIECES: usize = 4_000;
/// What is right, and how models write it.
const FAULTS: [(&str, &str); 8] = [
    ("\"name\":", "name:"),
    ("true", "True"),
    ("\"b\"]", "\"b\",]"),
    ("\"a\", \"b\"", "'a', 'b'"),
    (", \"score\"", " \"score\""),
    ("\"tags\"", "/* tags */ \"tags\""),
    ("item number", "item \"number\""),
    ("\"b\"]", "\"b\""),
];
