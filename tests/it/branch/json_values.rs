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

/// An array of a value, and its text.
pub(super) fn document() -> impl Strategy<Value = (Value, String)> {
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
pub(super) fn begins(part: &Value, whole: &Value) -> bool {
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
