use serde_json::{Map, Value, json};

/// The form of a schema that providers can hold a model to, if it has one.
///
/// What providers have in common, after their documentation: an object at the root, `required` names every property,
/// `additionalProperties` is false, alternatives are `anyOf`, a reference stands alone, and only some formats are known.
pub(super) fn form(schema: &Value) -> Option<Value> {
    let mut form = schema.clone();
    let root = schema.clone();
    let is_object = form.get("type").is_some_and(|name| name == "object");
    if !is_object || form.get("anyOf").is_some() || form.get("oneOf").is_some() {
        return None;
    }
    let keywords = form.as_object_mut()?;
    keywords.remove("$schema");
    for definition in keywords
        .get_mut("$defs")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
    {
        tighten(definition, &root, 0)?;
    }
    tighten(&mut form, &root, 0)?;
    Some(form)
}

fn tighten(schema: &mut Value, root: &Value, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    lift_reference(schema, root);
    // A schema that anything fits has nothing that a model could be held to.
    let keywords = schema.as_object_mut()?;
    if keywords.contains_key("$ref") {
        return Some(());
    }
    if ["prefixItems", "patternProperties", "allOf", "not", "if"]
        .iter()
        .any(|keyword| keywords.contains_key(*keyword))
    {
        return None;
    }
    keywords.remove("default");
    if let Some(format) = keywords.get("format").and_then(Value::as_str)
        && !FORMATS.contains(&format)
    {
        keywords.remove("format");
    }
    if let Some(branches) = keywords.remove("oneOf") {
        keywords.insert("anyOf".to_owned(), branches);
    }
    let says = ["type", "anyOf", "enum", "const"];
    if !says.iter().any(|keyword| keywords.contains_key(*keyword)) {
        return None;
    }
    if keywords.get("type").is_some_and(|name| name == "object") {
        close(keywords)?;
    }
    if keywords.get("type").is_some_and(|name| name == "array") && !keywords.contains_key("items") {
        return None;
    }
    for (keyword, value) in keywords.iter_mut() {
        match (keyword.as_str(), value) {
            ("items", inner) => tighten(inner, root, depth + 1)?,
            ("properties", Value::Object(properties)) => {
                for property in properties.values_mut() {
                    tighten(property, root, depth + 1)?;
                }
            }
            ("anyOf", Value::Array(branches)) => {
                for branch in branches {
                    tighten(branch, root, depth + 1)?;
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// Makes an object one of exactly its properties. A map, which has none, cannot be.
fn close(keywords: &mut Map<String, Value>) -> Option<()> {
    match keywords.get("additionalProperties") {
        None | Some(Value::Bool(false)) => {}
        Some(_) => return None,
    }
    let properties = keywords.get("properties").and_then(Value::as_object)?;
    let names: Vec<&String> = properties.keys().collect();
    let names = json!(names);
    keywords.insert("required".to_owned(), names);
    keywords.insert("additionalProperties".to_owned(), Value::Bool(false));
    Some(())
}

/// Puts a definition in the place of a reference with something beside it. One that leads further loses what is beside it.
fn lift_reference(schema: &mut Value, root: &Value) {
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    let Some(reference) = keywords.get("$ref").cloned() else {
        return;
    };
    if keywords.len() == 1 {
        return;
    }
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    let definition = pointer.and_then(|pointer| root.pointer(pointer));
    let inlined = match definition {
        Some(Value::Object(definition)) if !has_reference(definition) => definition.clone(),
        _ => {
            *schema = json!({ "$ref": reference });
            return;
        }
    };
    keywords.remove("$ref");
    for (keyword, value) in inlined {
        keywords.entry(keyword).or_insert(value);
    }
}

fn has_reference(keywords: &Map<String, Value>) -> bool {
    keywords.contains_key("$ref") || keywords.values().any(value_has_reference)
}

fn value_has_reference(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(value_has_reference),
        Value::Object(fields) => has_reference(fields),
        _ => false,
    }
}

const MAX_DEPTH: usize = 64;
/// The formats that providers know.
const FORMATS: [&str; 9] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uuid",
];
