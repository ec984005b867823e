use std::fmt;

use serde_json::Value;

/// What there is of an answer that does not fit: data as far as it could be read, never bare text that poses as the
/// type that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Incomplete {
    /// The document, as far as there is one; `null` if there is none.
    pub value: Value,
    /// Where something is missing, as paths such as `$.legs`.
    pub missing: Vec<String>,
    /// What is wrong, in words that the model can act on.
    pub invalid: Vec<String>,
}

impl Incomplete {
    /// Says that nothing could be read, and why.
    pub(crate) fn unreadable(reason: impl Into<String>) -> Self {
        Self {
            invalid: vec![reason.into()],
            ..Self::default()
        }
    }

    /// What does not fit, a line each, as the model gets to read it.
    #[must_use]
    pub fn reason(&self) -> String {
        let missing = self
            .missing
            .iter()
            .map(|path| format!("- {path} is missing"));
        let invalid = self.invalid.iter().map(|wrong| format!("- {wrong}"));
        missing.chain(invalid).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (missing, invalid) = (self.missing.len(), self.invalid.len());
        write!(f, "{missing} things are missing and {invalid} are wrong")
    }
}
