//! What a model wrote as arguments, and what a tool says that it takes.

use fascine_model::ToolSpec;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{RepairLimits, ToolError, repair_json};

/// Reads the arguments of a call as a model wrote them. They are an object; nothing at all, and `null`, mean an empty one.
///
/// What is no JSON is mended where nothing has to be made up. What was cut off is not: a tool may do harm with half of what
/// was meant.
pub(crate) fn read(text: &str) -> Result<Value, ToolError> {
    if text.trim().is_empty() {
        return Ok(empty());
    }
    match mended(text)? {
        value @ Value::Object(_) => Ok(value),
        Value::Null => Ok(empty()),
        // Some models encode the object twice.
        Value::String(inner) => match mended(&inner) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(no_object("a string")),
        },
        Value::Array(_) => Err(no_object("an array")),
        Value::Bool(_) => Err(no_object("a boolean")),
        Value::Number(_) => Err(no_object("a number")),
    }
}

fn mended(text: &str) -> Result<Value, ToolError> {
    let repaired = repair_json(text, &RepairLimits::default());
    let repaired = repaired.map_err(|error| invalid(format!("no JSON: {error}")))?;
    match repaired.is_cut_off() {
        true => Err(invalid("no JSON: they are cut off".to_owned())),
        false => Ok(repaired.value),
    }
}

/// Makes arguments what a function takes; the error names the field.
pub(crate) fn decode<A: DeserializeOwned>(arguments: Value) -> Result<A, ToolError> {
    let is_empty = arguments.as_object().is_some_and(Map::is_empty);
    let error = match serde_path_to_error::deserialize(&arguments) {
        Ok(decoded) => return Ok(decoded),
        Err(error) => error,
    };
    // `()` takes nothing, which a model can only write as an empty object.
    if is_empty && let Ok(decoded) = A::deserialize(Value::Null) {
        return Ok(decoded);
    }
    let path = error.path().to_string();
    let reason = error.into_inner();
    Err(invalid(match path.as_str() {
        "." => reason.to_string(),
        path => format!("`{path}`: {reason}"),
    }))
}

/// Describes a function that takes an `A`.
pub(crate) fn spec_of<A: JsonSchema>() -> ToolSpec {
    // As serde reads it, without the address of a draft, which providers refuse or ignore.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    let schema = settings.into_generator().into_root_schema_for::<A>();
    let mut schema = match schema.to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(), // Anything will do.
    };
    let mut take = |key: &str| match schema.remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (name, description) = (take("title"), take("description"));
    // Providers want an object with properties, also where a type takes nothing or anything.
    if schema.is_empty() || schema.get("type") == Some(&json!("null")) {
        schema = Map::new();
    }
    match schema.get("type") {
        None => {
            schema.insert("type".to_owned(), json!("object"));
        }
        // An optional object: as an argument of a call it is there.
        Some(Value::Array(types)) if types.contains(&json!("object")) => {
            schema.insert("type".to_owned(), json!("object"));
        }
        Some(_) => {}
    }
    if schema["type"] == "object" {
        schema.entry("properties").or_insert_with(empty);
    }
    ToolSpec::new(name, description, schema)
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn no_object(what: &str) -> ToolError {
    invalid(format!("{what} instead of an object"))
}

fn invalid(reason: String) -> ToolError {
    ToolError::InvalidArguments { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_mended_but_not_made_up() {
        for nothing in ["", " ", "null", "{}", "{ }"] {
            assert_eq!(read(nothing).unwrap(), json!({}), "{nothing}");
        }
        let written = [
            r#"{"n": 1}"#,
            "{n: 1,}",
            "{'n': 1}",
            "```json\n{\"n\": 1}\n```",
            r#""{\"n\": 1}""#,
        ];
        for text in written {
            assert_eq!(read(text).unwrap(), json!({"n": 1}), "{text}");
        }
        for text in [
            r#"{"n": 1"#,
            r#"{"n": "delete al"#,
            "[1]",
            "7",
            "true",
            "do it",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                matches!(error, ToolError::InvalidArguments { .. }),
                "{text}"
            );
        }
    }
}
