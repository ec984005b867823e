use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fuzzy::resolve::{is_of_type, options, resolve, types};
use crate::fuzzy::similarity::normal;

/// The branch of a schema that a value is most likely meant for, judged by what can be seen without going deeper: its
/// type, its tag, its keys. The first of those that are as likely.
pub(super) fn likeliest<'s>(
    root: &'s Value,
    branches: &'s [Value],
    value: &Value,
) -> Option<&'s Value> {
    let fields: BTreeMap<String, &Value> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (normal(key), value))
        .collect();
    let scored = branches.iter();
    let scored = scored.map(|branch| (score(root, branch, value, &fields), branch));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, branch)| branch)
}

/// How much a branch has to say for it.
fn score(root: &Value, branch: &Value, value: &Value, fields: &BTreeMap<String, &Value>) -> i64 {
    let Some(keywords) = resolve(root, branch) else {
        return 0;
    };
    let types = types(keywords);
    let fits = types.is_empty() || types.iter().any(|name| is_of_type(value, name));
    let mut score = match (fits, value) {
        (true, _) => RIGHT_TYPE,
        // Nothing becomes null, and null becomes nothing.
        (false, Value::Null) => return -RIGHT_TYPE,
        (false, _) if types == ["null"] => return -RIGHT_TYPE,
        (false, _) => 0,
    };
    if let (Some(options), Value::String(text)) = (options(keywords), value) {
        score += option_score(&options, text);
    }
    match value {
        Value::Object(_) => score + object_score(root, keywords, fields),
        _ => score,
    }
}

fn option_score(options: &[&str], text: &str) -> i64 {
    let word = normal(text);
    match options {
        _ if options.contains(&text) => TAG,
        _ if options.iter().any(|option| normal(option) == word) => TAG - 1,
        _ => 0,
    }
}

fn object_score(
    root: &Value,
    keywords: &Map<String, Value>,
    fields: &BTreeMap<String, &Value>,
) -> i64 {
    let Some(properties) = keywords.get("properties").and_then(Value::as_object) else {
        return 0;
    };
    let (mut score, mut known) = (0, 0);
    for (name, schema) in properties {
        let Some(value) = fields.get(&normal(name)) else {
            continue;
        };
        known += 1;
        // A tag says more than all other keys.
        if let Some(options) = resolve(root, schema).and_then(options)
            && let Value::String(text) = *value
        {
            score += match option_score(&options, text) {
                0 => -TAG,
                score => score,
            };
        }
    }
    let required = keywords.get("required").and_then(Value::as_array);
    let missing = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| !fields.contains_key(&normal(name)));
    let unknown = fields.len() as i64 - known;
    score + 2 * known - missing.count() as i64 - unknown
}

const RIGHT_TYPE: i64 = 1_000_000;
const TAG: i64 = 10_000;
