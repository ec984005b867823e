use fascine_model::{OutputFormat, OutputSchema};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

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
        let name = T::schema_name();
        let schema = schema_of::<T>();
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Self::new(&name, schema),
            _ => Self {
                is_wrapped: true,
                ..Self::new(&name, schema_of::<Wrapped<T>>())
            },
        }
    }

    /// The shape that the schema of an object describes.
    pub(crate) fn new(name: &str, mut schema: Value) -> Self {
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("$schema");
        }
        closed::close(&mut schema);
        Self {
            name: plain_name(name),
            schema,
            is_wrapped: false,
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
        let inner = match self.is_wrapped {
            true => value.get(WRAPPED),
            false => None,
        };
        // A model may well leave the wrapping out.
        let tried = [inner, Some(&value)].into_iter().flatten();
        let tried = tried.map(deserialize::<T>);
        let mut error = None;
        for tried in tried {
            match tried {
                Ok(value) => return Ok(value),
                Err(wrong) => error = error.or(Some(wrong)),
            }
        }
        let missing = missing::paths(&self.schema, &self.schema, &value);
        let wrong = error.filter(|_| missing.is_empty());
        Err(Incomplete {
            value,
            missing,
            invalid: wrong.into_iter().collect(),
        })
    }
}

fn deserialize<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = match path.as_str() {
            "." => String::new(),
            path => format!(".{path}"),
        };
        format!("${path}: {}", error.inner())
    })
}

/// What a type that is no object is asked for in.
#[derive(JsonSchema)]
struct Wrapped<T> {
    #[expect(dead_code, reason = "it is there for its schema")]
    answer: T,
}

fn schema_of<T: JsonSchema>() -> Value {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>();
    schema.to_value()
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

/// The field of [`Wrapped`].
const WRAPPED: &str = "answer";
/// Of a schema, for OpenAI.
const LONGEST_NAME: usize = 64;
