use fascine_model::{OutputFormat, OutputSchema};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Incomplete;

mod closed;
mod document;
mod missing;

/// What an answer has to look like.
///
/// Providers want an object; whatever else is asked for comes in the field `answer` of one.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    name: String,
    schema: Value,
    is_wrapped: bool,
}

impl Shape {
    /// The shape of a type.
    pub(crate) fn of<T: JsonSchema>() -> Self {
        let schema = SchemaGenerator::default().into_root_schema_for::<T>();
        Self::new(&T::schema_name(), schema.to_value())
    }

    /// The shape that a schema describes.
    pub(crate) fn new(name: &str, mut schema: Value) -> Self {
        let is_wrapped = schema.get("type").and_then(Value::as_str) != Some("object");
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("$schema");
        }
        if is_wrapped {
            schema = wrapped(schema);
        }
        closed::close(&mut schema);
        Self {
            name: plain_name(name),
            schema,
            is_wrapped,
        }
    }

    /// The provider's own way to ask for it.
    pub(crate) fn format(&self) -> OutputFormat {
        let OutputFormat::Schema(output) = OutputFormat::schema(&self.name, self.schema.clone())
        else {
            return OutputFormat::Json;
        };
        let output: OutputSchema = output.with_strict(closed::is_closed(&self.schema));
        OutputFormat::Schema(output)
    }

    /// The way to ask for it in words.
    pub(crate) fn words(&self) -> String {
        format!(
            "Answer with one JSON document that fits this JSON Schema, and with nothing else:\n\
             ```json\n{}\n```",
            self.schema
        )
    }

    /// Reads an answer.
    pub(crate) fn decode<T: DeserializeOwned>(&self, text: &str) -> Result<T, Incomplete> {
        let value = document::read(text).map_err(Incomplete::unreadable)?;
        let value = match (self.is_wrapped, value) {
            (true, Value::Object(mut fields)) if fields.contains_key("answer") => {
                fields.remove("answer").unwrap_or_default()
            }
            (_, value) => value,
        };
        T::deserialize(&value).map_err(|error| {
            let inner = match self.is_wrapped {
                true => self.schema.pointer("/properties/answer"),
                false => Some(&self.schema),
            };
            let missing = inner
                .map(|schema| missing::paths(schema, &self.schema, &value))
                .unwrap_or_default();
            let invalid = match missing.is_empty() {
                true => vec![error.to_string()],
                false => Vec::new(),
            };
            Incomplete {
                value,
                missing,
                invalid,
            }
        })
    }
}

/// An object with the schema in its only field; definitions stay at the root, where references look for them.
fn wrapped(mut schema: Value) -> Value {
    let definitions = schema
        .as_object_mut()
        .and_then(|fields| fields.remove("$defs"));
    let mut object = json!({
        "type": "object",
        "properties": { "answer": schema },
        "required": ["answer"],
    });
    if let Some(definitions) = definitions {
        object["$defs"] = definitions;
    }
    object
}

/// The name with what providers allow in one.
fn plain_name(name: &str) -> String {
    let plain = name.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
        _ => '_',
    });
    let plain: String = plain.take(LONGEST_NAME).collect();
    match plain.is_empty() {
        true => "answer".to_owned(),
        false => plain,
    }
}

/// Of a schema, for OpenAI.
const LONGEST_NAME: usize = 64;
