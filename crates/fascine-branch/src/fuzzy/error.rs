/// Why keys could not be matched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// Fields are missing, under [`KeyMatching::strict`](crate::KeyMatching::strict).
    #[error("these fields are missing: {}", fields.join(", "))]
    Missing {
        /// The fields.
        fields: Vec<String>,
    },
    /// The threshold is not between 0 and 1.
    #[error("the threshold {threshold} is not between 0 and 1")]
    Threshold {
        /// What was set.
        threshold: f64,
    },
    /// There are more pairs of a key and a field to compare than anybody compares.
    #[error("{keys} keys are too many to be compared with {fields} fields")]
    TooMany {
        /// How many keys match no field exactly.
        keys: usize,
        /// How many fields match no key exactly.
        fields: usize,
    },
    /// Keys match no field, under [`Unmatched::Raise`](crate::Unmatched::Raise).
    #[error("these keys match no field: {}", keys.join(", "))]
    Unmatched {
        /// The keys.
        keys: Vec<String>,
    },
}

/// Why a value could not be conformed to a schema.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConformError {
    /// The keys of an object could not be matched.
    #[error("the keys at {path} do not match the schema")]
    Keys {
        /// Where the object is.
        path: crate::JsonPath,
        /// Why.
        source: MatchError,
    },
    /// The value and the schema lead deeper than anybody follows.
    #[error("the value and its schema are deeper than {limit} levels at {path}")]
    TooDeep {
        /// Where.
        path: crate::JsonPath,
        /// The bound, in levels.
        limit: usize,
    },
    /// It takes too long.
    #[error("to conform the value takes more than {limit} steps")]
    TooMuchWork {
        /// The bound, in steps: about one to a value, a key or a branch of the schema.
        limit: u64,
    },
}
