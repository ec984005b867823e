//! The schemas of the APIs, compact and by hand: what is written in `schemas/` of each comes from its documentation.

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::Value;

/// The schema of a request or an answer.
#[derive(Debug)]
pub(crate) struct Schema {
    name: String,
    document: Value,
    validator: Validator,
}

impl Schema {
    /// Reads `schemas/NAME.json`, which has to be a schema itself.
    pub(crate) fn read(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("model/schemas");
        let text = std::fs::read_to_string(directory.join(format!("{name}.json"))).unwrap();
        Self::new(name, serde_json::from_str(&text).unwrap())
    }

    fn new(name: &str, document: Value) -> Self {
        if let Err(error) = jsonschema::meta::validate(&document) {
            panic!("{name} is no schema: {error}");
        }
        Self {
            name: name.to_owned(),
            validator: jsonschema::validator_for(&document).unwrap(),
            document,
        }
    }

    /// The schema with another one at this place of its document.
    pub(crate) fn with(&self, pointer: &str, schema: Value) -> Self {
        let mut document = self.document.clone();
        if let Some(place) = document.pointer_mut(pointer) {
            *place = schema;
        } else {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = schema;
        }
        Self::new(&self.name, document)
    }

    /// Panics with what is wrong and where, unless the document fits.
    #[track_caller]
    pub(crate) fn check(&self, document: &Value, what: &str) {
        let errors = self.validator.iter_errors(document);
        let errors: Vec<_> = errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{what} does not fit {}:\n{}\n{document:#}",
            self.name,
            errors.join("\n"),
        );
    }

    pub(crate) fn accepts(&self, document: &Value) -> bool {
        self.validator.is_valid(document)
    }
}
