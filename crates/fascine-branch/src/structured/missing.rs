use serde_json::Value;

/// Where a document lacks what its schema requires, as paths such as `$.legs[0].name`.
pub(super) fn paths(schema: &Value, root: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(schema, root, value, &mut "$".to_owned(), &mut found);
    found
}

fn walk(schema: &Value, root: &Value, value: &Value, path: &mut String, found: &mut Vec<String>) {
    if path.len() > LONGEST_PATH || found.len() >= MOST {
        return;
    }
    let schema = resolve(schema, root);
    let length = path.len();
    match value {
        Value::Object(fields) => {
            let required = schema.get("required").and_then(Value::as_array);
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    found.push(format!("{path}.{name}"));
                }
            }
            for (name, value) in fields {
                if let Some(schema) = schema.get("properties").and_then(|named| named.get(name)) {
                    path.push('.');
                    path.push_str(name);
                    walk(schema, root, value, path, found);
                    path.truncate(length);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                if let Some(schema) = schema.get("items") {
                    path.push_str(&format!("[{index}]"));
                    walk(schema, root, value, path, found);
                    path.truncate(length);
                }
            }
        }
        _ => {}
    }
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let to = schema.get("$ref").and_then(Value::as_str);
    let to = to.and_then(|to| root.pointer(to.strip_prefix('#')?));
    to.unwrap_or(schema)
}

/// Longer paths are not walked.
const LONGEST_PATH: usize = 1_000;
/// How many paths are told.
const MOST: usize = 100;
