use std::cell::Cell;

use serde_json::{Map, Number, Value};

/// A document that fits a JSON schema: the smallest one, with every property that is named.
///
/// What it knows of schemas is what models are asked for: types, properties, items, enumerations, bounds, references
/// within the document, and the combinations of them. Patterns it does not know.
pub(crate) fn of(schema: &Value) -> Value {
    let left = Cell::new(LARGEST);
    let root = Root {
        document: schema,
        left: &left,
    };
    sample(schema, root, 0)
}

/// What references lead into, and how many values may still be made.
#[derive(Clone, Copy)]
struct Root<'a> {
    document: &'a Value,
    left: &'a Cell<usize>,
}

fn sample(schema: &Value, root: Root<'_>, depth: usize) -> Value {
    root.left.set(root.left.get().saturating_sub(1));
    if root.left.get() == 0 || depth > 4 * DEEPEST {
        return Value::Null;
    }
    let known = ["const", "default"]
        .iter()
        .find_map(|name| schema.get(name))
        .or_else(|| schema.get("enum")?.get(0));
    if let Some(known) = known {
        return known.clone();
    }
    if let Some(to) = schema.get("$ref").and_then(Value::as_str) {
        let target = to
            .strip_prefix('#')
            .and_then(|path| root.document.pointer(path));
        return target.map_or(Value::Null, |target| sample(target, root, depth + 1));
    }
    for name in ["anyOf", "oneOf"] {
        if let Some(Value::Array(choices)) = schema.get(name) {
            return choices
                .iter()
                // At the bottom of a recursion the way out is the one that does not go on.
                .find(|choice| depth < DEEPEST || !goes_on(choice))
                .map_or(Value::Null, |choice| sample(choice, root, depth + 1));
        }
    }
    if let Some(Value::Array(all)) = schema.get("allOf") {
        let mut whole = Map::new();
        for part in all.iter().chain([&without(schema, "allOf")]) {
            if let Value::Object(fields) = sample(part, root, depth + 1) {
                whole.extend(fields);
            }
        }
        return Value::Object(whole);
    }
    match kind(schema, depth) {
        "array" => array(schema, root, depth),
        "boolean" => Value::Bool(true),
        "integer" => Value::from(number(schema, 1.0) as i64),
        "null" => Value::Null,
        "number" => Number::from_f64(number(schema, 0.0)).map_or(Value::from(0), Value::Number),
        "object" => object(schema, root, depth),
        _ => Value::String(text(schema)),
    }
}

fn kind(schema: &Value, depth: usize) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            let names = || names.iter().filter_map(Value::as_str);
            let null = names().find(|name| *name == "null" && depth >= DEEPEST);
            null.or_else(|| names().find(|name| *name != "null"))
                .unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn object(schema: &Value, root: Root<'_>, depth: usize) -> Value {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return Value::Object(Map::new());
    };
    let is_required = |name: &str| {
        schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|required| required.iter().any(|required| required == name))
    };
    properties
        .iter()
        .filter(|(name, _)| depth < DEEPEST || is_required(name))
        .filter(|_| depth < 2 * DEEPEST)
        .map(|(name, property)| (name.clone(), sample(property, root, depth + 1)))
        .collect::<Map<_, _>>()
        .into()
}

fn array(schema: &Value, root: Root<'_>, depth: usize) -> Value {
    let least = schema.get("minItems").and_then(Value::as_u64);
    let usual = u64::from(depth < DEEPEST);
    let most = schema.get("maxItems").and_then(Value::as_u64);
    let count = least
        .unwrap_or(usual)
        .min(most.unwrap_or(u64::MAX))
        .min(100);
    let item = |_| match schema.get("items") {
        Some(items) => sample(items, root, depth + 1),
        None => Value::Null,
    };
    (0..count).map(item).collect()
}

/// The least number that is allowed, or else one near `usual`; a whole one where that is possible.
fn number(schema: &Value, step: f64) -> f64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let step = bound("multipleOf").unwrap_or(if step > 0.0 { step } else { 0.5 });
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + step));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - step));
    let near = match (least, most) {
        (Some(least), _) => least,
        (None, Some(most)) => most.min(0.0),
        (None, None) => 0.0,
    };
    let multiple = (near / step).ceil() * step;
    if most.is_some_and(|most| multiple > most) {
        near
    } else {
        multiple
    }
}

fn text(schema: &Value) -> String {
    let length = |name: &str| schema.get(name).and_then(Value::as_u64);
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2024-02-29",
        Some("date-time") => "2024-02-29T12:00:00Z",
        Some("email") => "someone@example.com",
        Some("time") => "12:00:00Z",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "text",
    };
    let least = length("minLength").unwrap_or(0).min(1000) as usize;
    let most = length("maxLength").map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    let padded = format!("{text:x<least$}");
    padded.chars().take(most).collect()
}

/// Whether a schema leads to others.
fn goes_on(schema: &Value) -> bool {
    ["$ref", "properties", "items", "anyOf", "oneOf", "allOf"]
        .iter()
        .any(|name| schema.get(name).is_some())
}

fn without(schema: &Value, name: &str) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(fields) = &mut schema {
        fields.remove(name);
        if !fields.contains_key("properties") {
            return Value::Object([("type".to_owned(), "object".into())].into_iter().collect());
        }
    }
    schema
}

/// How deep a document becomes before it takes every way out: schemas may refer to themselves.
const DEEPEST: usize = 6;
/// How many values a document has at most.
const LARGEST: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_has_what_its_schema_names() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": { "type": "string", "minLength": 6 },
                "unit": { "enum": ["c", "f"] },
                "days": { "type": "integer", "minimum": 2, "maximum": 9 },
                "share": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
                "tags": { "type": "array", "items": { "type": "string" }, "minItems": 2 },
                "when": { "type": ["null", "string"], "format": "date" },
                "more": { "$ref": "#/$defs/more" },
                "all": { "allOf": [{ "properties": { "a": { "const": 1 } } }, { "$ref": "#/$defs/more" }] },
            },
            "$defs": { "more": { "type": "object", "properties": { "yes": { "type": "boolean" } } } },
        });
        let expected = json!({
            "city": "textxx", "unit": "c", "days": 2, "share": 0.5, "tags": ["text", "text"],
            "when": "2024-02-29", "more": { "yes": true }, "all": { "a": 1, "yes": true },
        });
        assert_eq!(of(&schema), expected);
    }

    #[test]
    fn a_schema_that_refers_to_itself_comes_to_an_end() {
        let tree = json!({
            "$ref": "#/$defs/node",
            "$defs": { "node": {
                "type": "object",
                "required": ["next", "children"],
                "properties": {
                    "next": { "anyOf": [{ "$ref": "#/$defs/node" }, { "type": "null" }] },
                    "children": { "type": "array", "items": { "$ref": "#/$defs/node" } },
                },
            } },
        });
        assert!(of(&tree).to_string().contains("null"));
        let mut wide = json!({ "type": "string" });
        for _ in 0..20 {
            wide = json!({ "type": "array", "minItems": 100, "items": wide });
        }
        assert!(of(&wide).to_string().len() < 1_000_000);
        let endless = json!({ "$ref": "#" });
        assert_eq!(of(&endless), Value::Null);
        assert_eq!(of(&json!(true)), json!("text"));
    }
}
