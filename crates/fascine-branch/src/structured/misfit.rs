use std::error::Error;

use crate::{DecodeError, DecodeFailure, Incomplete, JsonPath, Violation};

/// Why an answer does not fit, and what there is of it.
#[derive(Clone, Debug)]
pub(crate) struct Misfit {
    /// What is wrong, a line each, as the model gets to read it.
    pub(crate) reason: String,
    pub(crate) incomplete: Incomplete,
}

impl Misfit {
    /// Says what is missing and what is wrong.
    pub(crate) fn of(incomplete: Incomplete) -> Self {
        let missing = incomplete.missing.iter();
        let missing = missing.map(|path| format!("- {path} is missing"));
        let invalid = incomplete.invalid.iter();
        let invalid = invalid.map(|violation| format!("- {violation}"));
        let lines: Vec<_> = missing.chain(invalid).collect();
        Self {
            reason: lines.join("\n"),
            incomplete,
        }
    }
}

impl From<DecodeError> for Misfit {
    fn from(error: DecodeError) -> Self {
        if let DecodeFailure::Schema { .. } = error.failure
            && let Some(incomplete) = error.incomplete()
        {
            return Self::of(incomplete.clone());
        }
        let reason = chain(&error.failure);
        let found = error.text.chars().take(LONGEST).collect::<String>();
        let mut incomplete = error.into_incomplete().unwrap_or_default();
        incomplete.invalid.push(Violation {
            path: JsonPath::default(),
            found: Some(format!("{found:?}")),
            expected: "what was asked for".to_owned(),
        });
        Self {
            reason: format!("- {reason}"),
            incomplete,
        }
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// How many characters are shown of an answer that is not data.
const LONGEST: usize = 80;
