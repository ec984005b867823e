use fascine_model::OutputFormat;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{BranchError, DecodeError, DecodeOptions, Schema, SchemaError, decode};

mod misfit;

pub(crate) use misfit::Misfit;

/// What an answer has to look like.
///
/// Providers want an object; whatever else is asked for comes in the field `answer` of one. A model may well leave the
/// wrapping out.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    schema: Schema,
    /// What is in the wrapping, if there is one.
    bare: Option<Schema>,
}

/// What an answer was made of.
#[derive(Clone, Debug)]
pub(crate) struct Fit<V> {
    pub(crate) value: V,
    /// What had to be mended.
    pub(crate) repairs: Vec<String>,
}

/// What a type that is no object is asked for in.
#[derive(Deserialize, JsonSchema)]
struct Wrapped<T> {
    answer: T,
}

impl Shape {
    /// The shape of a type.
    pub(crate) fn of<T: JsonSchema>() -> Result<Self, BranchError> {
        let schema = Schema::of::<T>().map_err(no_schema)?;
        if is_object(&schema) {
            return Ok(Self { schema, bare: None });
        }
        Ok(Self {
            schema: Schema::of::<Wrapped<T>>().map_err(no_schema)?,
            bare: Some(schema),
        })
    }

    /// The shape that the schema of an object describes.
    pub(crate) fn new(name: &str, schema: Value) -> Result<Self, BranchError> {
        let schema = Schema::from_value(name, schema).map_err(no_schema)?;
        Ok(Self { schema, bare: None })
    }

    /// Whether the answer comes in the field `answer` of an object.
    pub(crate) fn is_wrapped(&self) -> bool {
        self.bare.is_some()
    }

    /// The provider's own way to ask for it.
    pub(crate) fn format(&self) -> OutputFormat {
        self.schema.output_format()
    }

    /// The way to ask for it in words.
    pub(crate) fn words(&self) -> String {
        format!(
            "Answer with one JSON document that fits this JSON Schema, and with nothing else:\n\
             ```json\n{}\n```",
            self.schema.as_value()
        )
    }

    /// Reads an answer.
    pub(crate) fn decode<T: DeserializeOwned>(&self, text: &str) -> Result<Fit<T>, Misfit> {
        let Some(bare) = &self.bare else {
            return Ok(fit(text, &self.schema)?);
        };
        match fit::<Wrapped<T>>(text, &self.schema) {
            Ok(wrapped) => Ok(Fit {
                value: wrapped.value.answer,
                repairs: wrapped.repairs,
            }),
            Err(error) => fit(text, bare).map_err(|_| error.into()),
        }
    }
}

fn fit<T: DeserializeOwned>(text: &str, schema: &Schema) -> Result<Fit<T>, DecodeError> {
    let decoded = decode::<T>(text, schema, &DecodeOptions::default())?;
    let repairs = decoded.repairs.iter().map(ToString::to_string);
    let coercions = decoded.coercions.iter().map(ToString::to_string);
    Ok(Fit {
        repairs: repairs.chain(coercions).collect(),
        value: decoded.value,
    })
}

fn is_object(schema: &Schema) -> bool {
    schema.as_value().get("type").and_then(Value::as_str) == Some("object")
}

fn no_schema(error: SchemaError) -> BranchError {
    BranchError::InvalidOperation {
        field: "schema",
        reason: format!("is none: {}", error.reason),
    }
}
