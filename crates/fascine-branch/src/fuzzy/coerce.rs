use serde_json::{Map, Number, Value};

use crate::fuzzy::resolve::{is_of_type, options};
use crate::fuzzy::similarity::normal;
use crate::repair::Token;
use crate::{CoercionKind, KeyMatching, RepairLimits, repair_json};

/// Makes a value one of `types`, if it is none and spells one.
pub(super) fn to_types(value: &mut Value, types: &[&str]) -> Option<CoercionKind> {
    if types.is_empty() || types.iter().any(|name| is_of_type(value, name)) {
        return None;
    }
    let wants = |name: &str| types.contains(&name);
    if let Value::String(text) = value
        && let Some(parsed) = parse(text, &wants)
    {
        let from = std::mem::take(text);
        *value = parsed;
        return Some(CoercionKind::Parsed { from });
    }
    if let Value::Number(number) = value
        && wants("integer")
        && let Some(whole) = whole(number)
    {
        *number = whole;
        return Some(CoercionKind::Integer);
    }
    let spelled = match value {
        Value::Number(number) if wants("string") => Some(number.to_string()),
        Value::Bool(truth) if wants("string") => Some(truth.to_string()),
        _ => None,
    };
    if let Some(text) = spelled {
        *value = Value::String(text);
        return Some(CoercionKind::Spelled);
    }
    if wants("array") && !value.is_null() {
        *value = Value::Array(vec![value.take()]);
        return Some(CoercionKind::Wrapped);
    }
    None
}

/// Makes a string the one of the options that it resembles, if it resembles one more than all others.
pub(super) fn to_option(
    value: &mut Value,
    keywords: &Map<String, Value>,
    matching: &KeyMatching,
) -> Option<CoercionKind> {
    let Value::String(text) = value else {
        return None;
    };
    let options = options(keywords)?;
    if options.contains(&text.as_str()) {
        return None;
    }
    let word = normal(text);
    let scores = options.iter().map(|option| {
        let score = matching.similarity.of_words(&word, &normal(option));
        (score, *option)
    });
    let mut likely: Vec<(f64, &str)> = scores
        .filter(|(score, _)| *score >= matching.threshold)
        .collect();
    likely.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    match likely.as_slice() {
        [(first, _), (second, _), ..] if first == second => None,
        [(_, option), ..] => {
            let from = std::mem::replace(text, (*option).to_owned());
            Some(CoercionKind::EnumValue { from })
        }
        [] => None,
    }
}

/// What a string spells, if that is wanted.
fn parse(text: &str, wants: &impl Fn(&str) -> bool) -> Option<Value> {
    let text = text.trim();
    if wants("number") || wants("integer") {
        let number = match Token::read(text, false) {
            Token::Known(Value::Number(number), _) if wants("number") => Some(number),
            Token::Known(Value::Number(number), _) => whole(&number),
            _ => None,
        };
        if let Some(number) = number {
            return Some(Value::Number(number));
        }
    }
    if wants("boolean") {
        match text.to_ascii_lowercase().as_str() {
            "true" => return Some(Value::Bool(true)),
            "false" => return Some(Value::Bool(false)),
            _ => {}
        }
    }
    let opens = |bracket: char, name: &str| text.starts_with(bracket) && wants(name);
    if opens('{', "object") || opens('[', "array") {
        let repaired = repair_json(text, &RepairLimits::default()).ok()?;
        return (repaired.documents == 1).then_some(repaired.value);
    }
    None
}

/// A number as an integer, if it is one exactly.
fn whole(number: &Number) -> Option<Number> {
    if number.is_i64() || number.is_u64() {
        return Some(number.clone());
    }
    let float = number.as_f64()?;
    (float.fract() == 0.0 && float.abs() <= LARGEST_EXACT).then(|| Number::from(float as i64))
}

/// Up to here, a float is the integer it seems to be: 2 to the power of 53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
