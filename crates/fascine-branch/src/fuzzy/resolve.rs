use serde_json::{Map, Value};

/// A schema that may have keywords, after the references that lead to it. None if anything fits, or nothing.
pub(super) fn resolve<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s Map<String, Value>> {
    let mut schema = schema;
    for _ in 0..LONGEST_CHAIN {
        let keywords = schema.as_object()?;
        match keywords.get("$ref").and_then(Value::as_str) {
            Some(reference) => schema = root.pointer(reference.strip_prefix('#')?)?,
            None => return Some(keywords),
        }
    }
    None
}

/// The types that a schema allows; none if it does not say.
pub(super) fn types(keywords: &Map<String, Value>) -> Vec<&str> {
    match keywords.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The branches of which one has to fit.
pub(super) fn branches(keywords: &Map<String, Value>) -> Option<&[Value]> {
    ["anyOf", "oneOf"]
        .iter()
        .find_map(|keyword| keywords.get(*keyword)?.as_array())
        .map(Vec::as_slice)
}

/// The strings of which it has to be one; none if there are others than strings.
pub(super) fn options(keywords: &Map<String, Value>) -> Option<Vec<&str>> {
    if let Some(value) = keywords.get("const") {
        return value.as_str().map(|option| vec![option]);
    }
    let options = keywords.get("enum")?.as_array()?;
    options.iter().map(Value::as_str).collect()
}

/// Whether a value is of a type.
pub(super) fn is_of_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number" || name == "integer" && (number.is_i64() || number.is_u64())
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// Whether a schema allows null.
pub(super) fn allows_null(root: &Value, schema: &Value) -> bool {
    let Some(keywords) = resolve(root, schema) else {
        return false;
    };
    let branches = branches(keywords).unwrap_or_default();
    types(keywords).contains(&"null")
        || branches.iter().any(|branch| {
            resolve(root, branch).is_some_and(|keywords| types(keywords).contains(&"null"))
        })
}

const LONGEST_CHAIN: usize = 32;
