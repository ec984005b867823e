use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{BranchError, Choices};

impl<C: DeserializeOwned + JsonSchema> Choices<C> {
    /// Chooses from the variants of an enum that have no fields, by the names that serde has for them. What their docs
    /// say, the model gets to read.
    ///
    /// # Errors
    ///
    /// [`BranchError::InvalidOperation`] when a variant has fields, or the type is no enum.
    pub fn variants() -> Result<Self, BranchError> {
        let schema = SchemaGenerator::default()
            .into_root_schema_for::<C>()
            .to_value();
        let mut choices = Self::labelled(std::iter::empty::<(String, C)>());
        for (name, description) in variants_of(&schema) {
            let value = C::deserialize(Value::String(name.clone()));
            let value =
                value.map_err(|_| no_variants(format!("have `{name}`, which has fields")))?;
            choices.labels.push(name);
            choices.descriptions.push(description);
            choices.values.push(value);
        }
        match choices.labels.is_empty() {
            true => Err(no_variants(
                "are those of a type that is no enum".to_owned(),
            )),
            false => Ok(choices),
        }
    }
}

fn no_variants(reason: String) -> BranchError {
    let field = "choices";
    BranchError::InvalidOperation { field, reason }
}

/// The names of variants, with what their docs say.
fn variants_of(schema: &Value) -> Vec<(String, Option<String>)> {
    let description = schema.get("description").and_then(Value::as_str);
    let own = |name: &Value| Some((name.as_str()?.to_owned(), None));
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().filter_map(own).collect();
    }
    if let Some(name) = schema.get("const").and_then(Value::as_str) {
        return vec![(name.to_owned(), description.map(str::to_owned))];
    }
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        return fields.keys().map(|name| (name.clone(), None)).collect();
    }
    let parts = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    let parts = parts.and_then(Value::as_array).into_iter().flatten();
    parts.flat_map(variants_of).collect()
}
