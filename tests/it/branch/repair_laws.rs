//! Laws of the repair of JSON, over random values, their beginnings, and what chance makes of them.

#[path = "../../fuzz/json_laws.rs"]
mod laws;

use fascine::branch::{RepairLimits, repair_json};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Number, Value};

/// A value whose numbers have a text that grows as it is written.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        (-1_000_000_i32..1_000_000).prop_map(|number| {
            Value::Number(Number::from_f64(f64::from(number) / 64.0).unwrap())
        }),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            btree_map(text(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Text full of what has a meaning elsewhere.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        r#"[\\"'{}\[\],:;=/*#.`\n\t \x{0}-\x{1F}\x{80}-\x{10FFFF}a-f0-9]{0,20}"#,
    ]
}

fn document() -> impl Strategy<Value = (Value, String)> {
    (value(), any::<bool>()).prop_map(|(value, pretty)| {
        let value = Value::Array(vec![value]);
        let text = match pretty {
            true => format!("{value:#}"),
            false => value.to_string(),
        };
        (value, text)
    })
}

/// Whether `part` is what a reader may know of `whole` before its end.
fn begins(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .enumerate()
                    .all(|(at, (one, other))| {
                        one == other || at + 1 == part.len() && begins(one, other)
                    })
        }
        (Value::Object(part), Value::Object(whole)) => {
            let mut open = 0;
            part.iter().all(|(key, one)| {
                whole.get(key).is_some_and(|other| {
                    open += usize::from(one != other);
                    open <= 1 && begins(one, other)
                })
            })
        }
        (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
        (Value::Number(part), Value::Number(whole)) => {
            let part = part.to_string();
            let digits = part.strip_suffix(".0").unwrap_or(&part);
            whole.to_string().starts_with(digits)
        }
        (one, other) => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn valid_json_is_what_serde_json_makes_of_it((value, text) in document()) {
        let repaired = repair_json(&text, &RepairLimits::default()).unwrap();
        prop_assert!(repaired.is_clean());
        prop_assert_eq!(repaired.steps, 0);
        prop_assert_eq!(repaired.value, value);
    }

    #[test]
    fn every_beginning_of_valid_json_is_a_beginning_of_its_value((value, text) in document()) {
        for (end, _) in text.char_indices().skip(1) {
            let part = &text[..end];
            let repaired = repair_json(part, &RepairLimits::default()).unwrap();
            prop_assert!(begins(&repaired.value, &value), "{} gives {}", part, repaired.value);
            prop_assert!(repaired.is_cut_off());
        }
    }

    #[test]
    fn one_trailing_comma_changes_nothing((value, text) in document()) {
        let broken = text.strip_suffix(']').unwrap().to_owned() + ",]";
        let repaired = repair_json(&broken, &RepairLimits::default()).unwrap();
        prop_assert_eq!(repaired.value, value, "{}", broken);
    }

    #[test]
    fn prose_and_fences_around_change_nothing((value, text) in document()) {
        for around in [format!("Here:\n```json\n{text}\n```\nDone."), format!("{text} So it is.")] {
            let repaired = repair_json(&around, &RepairLimits::default()).unwrap();
            prop_assert_eq!(&repaired.value, &value, "{}", around);
        }
    }

    #[test]
    fn random_changes_give_json_or_an_error((_, text) in document(), seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let marks: Vec<char> = MARKS.chars().collect();
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..chars.len());
            match random.u8(..3) {
                0 => chars[at] = marks[random.usize(..marks.len())],
                1 => chars.insert(at, marks[random.usize(..marks.len())]),
                _ if chars.len() > 1 => drop(chars.remove(at)),
                _ => {}
            }
        }
        laws::repair(chars.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn anything_at_all_gives_json_or_an_error(text in r#"[\\"'{}\[\](),:;=/*#.`\n\t a-fnu0-9“’\x{FEFF}]{0,80}"#) {
        laws::repair(text.as_bytes());
    }
}

#[test]
fn the_seeds_of_the_fuzzer_keep_the_laws() {
    laws::repair(include_bytes!("../../fuzz/corpus/repair/mixed"));
    laws::repair(include_bytes!("../../fuzz/corpus/repair/hostile"));
    laws::repair(b"");
}

const MARKS: &str = "\"'{}[](),:;=/*#.`\\\n\t a0-“’tN";
