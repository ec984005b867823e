use fascine_model::{ApiErrorKind, ModelError, ModelFailure, OutputFormat};

use crate::structured::Shape;
use crate::{BranchError, SchemaDelivery};

/// How the schema of an answer goes to the model.
#[derive(Debug)]
pub(crate) struct Delivery {
    format: OutputFormat,
    note: Option<String>,
    /// The way to take when the provider refuses the schema.
    fallback: Option<String>,
    has_fallen_back: bool,
}

impl Delivery {
    /// `note` is said in any case.
    pub(crate) fn new(shape: &Shape, delivery: SchemaDelivery, note: Option<&str>) -> Self {
        let words = match note {
            Some(note) => format!("{note}\n\n{}", shape.words()),
            None => shape.words(),
        };
        let note = note.map(str::to_owned);
        match delivery {
            SchemaDelivery::Auto => Self {
                format: shape.format(),
                note,
                fallback: Some(words),
                has_fallen_back: false,
            },
            SchemaDelivery::Native => Self {
                format: shape.format(),
                note,
                fallback: None,
                has_fallen_back: false,
            },
            SchemaDelivery::Prompt => Self {
                format: OutputFormat::Text,
                note: Some(words),
                fallback: None,
                has_fallen_back: false,
            },
        }
    }

    pub(crate) fn format(&self) -> &OutputFormat {
        &self.format
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether the provider has refused the schema.
    pub(crate) fn has_fallen_back(&self) -> bool {
        self.has_fallen_back
    }

    /// Puts the schema into the prompt from here on, if that is what the error calls for.
    pub(crate) fn fall_back(&mut self, error: &BranchError) -> bool {
        match (error, self.fallback.take_if(|_| is_refused(error))) {
            (_, Some(words)) => {
                self.format = OutputFormat::Text;
                self.note = Some(words);
                self.has_fallen_back = true;
                true
            }
            (_, None) => false,
        }
    }
}

/// Whether the provider, or its mapping, has no place for a schema.
fn is_refused(error: &BranchError) -> bool {
    match error {
        BranchError::Model { source, .. } => is_refusal(source),
        _ => false,
    }
}

fn is_refusal(error: &ModelError) -> bool {
    match error.failure() {
        ModelFailure::InvalidRequest { field, .. } => *field == "output",
        ModelFailure::Api(error) if error.kind == ApiErrorKind::InvalidRequest => {
            let param = error.param.as_deref().unwrap_or_default();
            let mut fields = OUTPUT_FIELDS.iter();
            fields.any(|field| param.contains(field) || error.message.contains(field))
        }
        _ => false,
    }
}

/// What providers call the field that a schema goes into.
const OUTPUT_FIELDS: [&str; 8] = [
    "json_schema",
    "output_config",
    "output_format",
    "responseJsonSchema",
    "responseSchema",
    "response_format",
    "response_schema",
    "text.format",
];
