use serde_json::{Map, Value};

use crate::{MatchError, Similarity};

/// How the keys of an object are matched with the fields that are expected.
///
/// # Defaults
///
/// - [`Similarity::JaroWinkler`], of at least 0.85
/// - [`Unmatched::Ignore`]
/// - what is filled is null
/// - fields may be missing
#[derive(Clone, Debug, PartialEq)]
pub struct KeyMatching {
    pub(super) similarity: Similarity,
    pub(super) threshold: f64,
    pub(super) unmatched: Unmatched,
    pub(super) fill: Map<String, Value>,
    pub(super) strict: bool,
}

/// What becomes of keys without a field, and of fields without a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unmatched {
    /// Such keys stay, and such fields are filled.
    Fill,
    /// Such keys go, and such fields are filled.
    Force,
    /// Such keys stay, and such fields are missing.
    #[default]
    Ignore,
    /// Such keys are an error.
    Raise,
    /// Such keys go, and such fields are missing.
    Remove,
}

impl KeyMatching {
    /// Sets how similar a key and its field have to be, from 0 to 1.
    ///
    /// # Errors
    ///
    /// [`MatchError::Threshold`] if it is anything else.
    pub fn with_threshold(mut self, threshold: f64) -> Result<Self, MatchError> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(MatchError::Threshold { threshold });
        }
        self.threshold = threshold;
        Ok(self)
    }

    /// Sets how similarity is measured.
    #[must_use]
    pub fn with_similarity(mut self, similarity: Similarity) -> Self {
        self.similarity = similarity;
        self
    }

    /// Sets what becomes of what has no counterpart.
    #[must_use]
    pub fn with_unmatched(mut self, unmatched: Unmatched) -> Self {
        self.unmatched = unmatched;
        self
    }

    /// Sets what a field that is filled gets, instead of null.
    #[must_use]
    pub fn with_fill(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fill.insert(field.into(), value.into());
        self
    }

    /// Makes it an error that a field is missing, once those that are to be filled are.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    pub(super) fn fills(&self) -> bool {
        matches!(self.unmatched, Unmatched::Fill | Unmatched::Force)
    }

    pub(super) fn drops(&self) -> bool {
        matches!(self.unmatched, Unmatched::Force | Unmatched::Remove)
    }
}

impl Default for KeyMatching {
    fn default() -> Self {
        Self {
            similarity: Similarity::default(),
            threshold: 0.85,
            unmatched: Unmatched::default(),
            fill: Map::new(),
            strict: false,
        }
    }
}
