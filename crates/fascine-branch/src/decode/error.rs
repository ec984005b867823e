use serde_json::Value;

use crate::decode::Attempt;
use crate::{Coercion, ConformError, JsonPath, Repair, RepairError, Violation};

/// An answer that is not the value that was wanted, and all that is known of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the answer is not the value that was asked for")]
#[non_exhaustive]
pub struct DecodeError {
    /// The text of the answer.
    pub text: Box<str>,
    /// Why.
    #[source]
    pub failure: DecodeFailure,
    /// What was done to the text, as far as it is listed.
    pub repairs: Vec<Repair>,
    /// What was done to the JSON in it.
    pub coercions: Box<[Coercion]>,
    incomplete: Option<Box<Incomplete>>,
}

/// Why an answer is not a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeFailure {
    /// It could not be made to fit the schema.
    #[error("it cannot be fitted to the schema")]
    Conform {
        /// Why.
        source: ConformError,
    },
    /// There is no JSON in it that can be read.
    #[error("it cannot be read as JSON")]
    Json {
        /// Why.
        source: RepairError,
    },
    /// It does not fit the schema.
    #[error("it does not fit the schema: {}", said(violations))]
    Schema {
        /// What does not fit, at most 100 of it.
        violations: Vec<Violation>,
    },
    /// It fits the schema, and the type takes it not: the two are not the same.
    #[error("it fits the schema but not the type: {reason}")]
    Type {
        /// What the type says.
        reason: String,
    },
}

/// What there is of a value that is not complete.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Incomplete {
    /// The value, fitted to the schema as far as it can be.
    pub value: Value,
    /// The fields that have to be there and are not.
    pub missing: Vec<JsonPath>,
    /// What is there and does not fit.
    pub invalid: Vec<Violation>,
}

impl DecodeError {
    pub(super) fn new(text: &str, failure: DecodeFailure) -> Self {
        Self {
            text: text.into(),
            failure,
            repairs: Vec::new(),
            coercions: Box::default(),
            incomplete: None,
        }
    }

    pub(super) fn of(text: &str, repairs: Vec<Repair>, attempt: Option<Attempt>) -> Self {
        let Some(Attempt { failure, conformed }) = attempt else {
            let source = RepairError::NoJson { bytes: text.len() };
            return Self::new(text, DecodeFailure::Json { source });
        };
        let incomplete = match &failure {
            DecodeFailure::Schema { violations } => Some(violations.as_slice()),
            DecodeFailure::Type { .. } => Some(&[][..]),
            _ => None,
        };
        let incomplete = incomplete.map(|violations| {
            let (missing, invalid): (Vec<_>, Vec<_>) =
                violations.iter().cloned().partition(Violation::is_missing);
            Box::new(Incomplete {
                value: conformed.value,
                missing: missing.into_iter().map(|missing| missing.path).collect(),
                invalid,
            })
        });
        Self {
            repairs,
            coercions: conformed.coercions.into(),
            incomplete,
            ..Self::new(text, failure)
        }
    }

    /// The value as far as there is one, with what it lacks; none if there is no JSON in the text.
    #[must_use]
    pub fn incomplete(&self) -> Option<&Incomplete> {
        self.incomplete.as_deref()
    }

    /// The value as far as there is one, with what it lacks.
    #[must_use]
    pub fn into_incomplete(self) -> Option<Incomplete> {
        self.incomplete.map(|incomplete| *incomplete)
    }
}

impl DecodeFailure {
    /// How much there is to complain of.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Schema { violations } => violations.len(),
            Self::Type { .. } => 1,
            Self::Conform { .. } | Self::Json { .. } => usize::MAX,
        }
    }
}

fn said(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(Violation::to_string).collect();
    all.join("; ")
}
