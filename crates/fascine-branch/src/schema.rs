mod error;
mod strict;
mod violation;

use std::fmt;
use std::sync::Arc;

use fascine_model::OutputFormat;
use jsonschema::Validator;
use schemars::JsonSchema;
use serde_json::Value;

pub use error::SchemaError;
pub use violation::Violation;

/// What an answer has to look like: a JSON Schema and what checks it. Clones share both.
///
/// To make one compiles the schema: make it once for each type and keep it.
///
/// ```
/// use fascine_branch::Schema;
/// use schemars::JsonSchema;
/// use serde_json::json;
///
/// #[derive(JsonSchema)]
/// # #[allow(dead_code)]
/// struct Spider {
///     legs: u8,
/// }
///
/// let schema = Schema::of::<Spider>()?;
/// assert!(schema.validate(&json!({"legs": 8})).is_ok());
/// let violations = schema.validate(&json!({"legs": "eight"})).unwrap_err();
/// assert_eq!(violations[0].to_string(), r#"/legs is "eight", but must be of type integer"#);
/// # Ok::<(), fascine_branch::SchemaError>(())
/// ```
#[derive(Clone)]
pub struct Schema {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    value: Value,
    validator: Validator,
}

impl Schema {
    /// The schema of a type.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the type describes itself by something that is no JSON Schema; a derived description never does.
    pub fn of<T: JsonSchema>() -> Result<Self, SchemaError> {
        let schema = schemars::SchemaGenerator::default().into_root_schema_for::<T>();
        Self::from_value(&T::schema_name(), schema.to_value())
    }

    /// A schema that is written out. References lead within it alone: nothing is fetched.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if it is no JSON Schema.
    pub fn from_value(name: &str, value: Value) -> Result<Self, SchemaError> {
        let validator = jsonschema::validator_for(&value).map_err(|error| SchemaError {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        let name = provider_name(name);
        Ok(Self {
            shared: Arc::new(Shared {
                name,
                value,
                validator,
            }),
        })
    }

    /// What it is called: letters, digits, `_` and `-`, at most 64 of them, as providers want it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The schema itself.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.shared.value
    }

    /// What a provider is asked for.
    ///
    /// Its form is the one that providers can hold a model to: every field required, no others allowed, alternatives as
    /// `anyOf`, references without anything beside them. A schema that this form cannot express, such as one of a map or
    /// of a tuple, is sent as it is, and not as strict.
    #[must_use]
    pub fn output_format(&self) -> OutputFormat {
        if let Some(form) = strict::form(self.as_value()) {
            return OutputFormat::schema(self.name(), form);
        }
        match OutputFormat::schema(self.name(), self.as_value().clone()) {
            OutputFormat::Schema(schema) => OutputFormat::Schema(schema.with_strict(false)),
            other => other,
        }
    }

    /// Says what about a value does not fit: at most 100 violations, in the order of the schema.
    ///
    /// # Errors
    ///
    /// The violations, at least one.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        let errors = self.shared.validator.iter_errors(value);
        let mut violations = Vec::new();
        for error in errors.take(MOST_VIOLATIONS) {
            violation::collect(&error, &mut violations);
        }
        violations.truncate(MOST_VIOLATIONS);
        match violations.is_empty() {
            true => Ok(()),
            false => Err(violations),
        }
    }

    /// Whether an array fits, going by its type alone.
    pub(crate) fn takes_arrays(&self) -> bool {
        let value = self.as_value();
        match value.get("type") {
            Some(Value::String(name)) => name == "array",
            Some(Value::Array(names)) => names.iter().any(|name| name == "array"),
            _ => ["properties", "anyOf", "oneOf", "$ref", "enum", "const"]
                .iter()
                .all(|keyword| value.get(*keyword).is_none()),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("name", &self.name())
            .field("value", self.as_value())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.as_value() == other.as_value()
    }
}

fn provider_name(name: &str) -> String {
    let plain = name.chars().map(|char| match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => char,
        _ => '_',
    });
    match name.is_empty() {
        true => "answer".to_owned(),
        false => plain.take(64).collect(),
    }
}

const MOST_VIOLATIONS: usize = 100;
