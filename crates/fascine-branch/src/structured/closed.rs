use serde_json::Value;

/// Says of every object with named fields that it has no others, unless it says something itself.
pub(super) fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Whether every object has exactly its named fields: what a provider needs to hold a model to a schema.
pub(super) fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let is_object = fields.get("type").and_then(Value::as_str) == Some("object");
            (!is_object || has_all(fields)) && fields.values().all(is_closed)
        }
        Value::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}

fn has_all(object: &serde_json::Map<String, Value>) -> bool {
    let named = object.get("properties").and_then(Value::as_object);
    let required = object.get("required").and_then(Value::as_array);
    let (named, required) = (
        named.map_or(0, serde_json::Map::len),
        required.map_or(0, Vec::len),
    );
    object.get("additionalProperties") == Some(&Value::Bool(false)) && named == required
}
