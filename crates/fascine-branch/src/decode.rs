mod error;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Coercion, Conformed, KeyMatching, Repair, RepairError, RepairLimits, Schema, conform,
    repair_json,
};

pub use error::{DecodeError, DecodeFailure, Incomplete};

/// What may be done to an answer so that it becomes a value.
///
/// # Defaults
///
/// [`RepairLimits`] and [`KeyMatching`] with theirs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodeOptions {
    limits: RepairLimits,
    matching: KeyMatching,
}

impl DecodeOptions {
    /// Sets how much text is read.
    #[must_use]
    pub fn with_limits(mut self, limits: RepairLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how keys are matched with fields.
    #[must_use]
    pub fn with_matching(mut self, matching: KeyMatching) -> Self {
        self.matching = matching;
        self
    }
}

/// An answer as a value, and what was done to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// The JSON that it was made from, which fits the schema.
    pub json: Value,
    /// Whether the text broke off before its JSON was complete: the last string of it may be cut.
    pub is_cut_off: bool,
    /// What had to be done to the text, as far as it is listed.
    pub repairs: Vec<Repair>,
    /// What had to be done to the JSON.
    pub coercions: Vec<Coercion>,
}

/// Makes a value of the text of an answer: reads it as [`repair_json`] does, makes it fit as [`conform`] does, checks it,
/// and hands it to serde. Of several documents the first that fits counts.
///
/// # Errors
///
/// [`DecodeError`], which keeps all that is known: the text, what was done to it, what of the schema is missing or does not
/// fit, and the value as far as there is one.
///
/// # Examples
///
/// ```
/// use fascine_branch::{DecodeOptions, Schema, decode};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize, JsonSchema)]
/// struct Spider {
///     name: String,
///     leg_count: u8,
/// }
///
/// let schema = Schema::of::<Spider>()?;
/// let text = "Here you are: {name: 'Boris', legCount: \"8\"}";
/// let decoded = decode::<Spider>(text, &schema, &DecodeOptions::default())?;
/// assert_eq!((decoded.value.name.as_str(), decoded.value.leg_count), ("Boris", 8));
///
/// let error = decode::<Spider>("{name: 'Boris'", &schema, &DecodeOptions::default()).unwrap_err();
/// let incomplete = error.incomplete().unwrap();
/// assert_eq!(incomplete.value["name"], "Boris");
/// assert_eq!(incomplete.missing[0].as_str(), "/leg_count");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode<T: DeserializeOwned>(
    text: &str,
    schema: &Schema,
    options: &DecodeOptions,
) -> Result<Decoded<T>, DecodeError> {
    let repaired = match repair_json(text, &options.limits) {
        Ok(repaired) => repaired,
        Err(error) => {
            return Err(DecodeError::new(
                text,
                DecodeFailure::Json { source: error },
            ));
        }
    };
    let is_cut_off = repaired.is_cut_off();
    let candidates = match repaired.value {
        Value::Array(documents) if repaired.documents > 1 && !schema.takes_arrays() => documents,
        value => vec![value],
    };
    let mut failure = None;
    for candidate in candidates {
        match fit::<T>(candidate, schema, options) {
            Ok((
                value,
                Conformed {
                    value: json,
                    coercions,
                },
            )) => {
                return Ok(Decoded {
                    value,
                    json,
                    is_cut_off,
                    repairs: repaired.repairs,
                    coercions,
                });
            }
            Err(error) => {
                let best = failure.take();
                failure = Some(Attempt::better(best, error));
            }
        }
    }
    Err(DecodeError::of(text, repaired.repairs, failure))
}

/// As [`decode`], of JSON that was read already.
pub(crate) fn decode_value<T: DeserializeOwned>(
    text: &str,
    json: Value,
    schema: &Schema,
    options: &DecodeOptions,
) -> Result<Decoded<T>, DecodeError> {
    match fit::<T>(json, schema, options) {
        Ok((
            value,
            Conformed {
                value: json,
                coercions,
            },
        )) => Ok(Decoded {
            value,
            json,
            is_cut_off: false,
            repairs: Vec::new(),
            coercions,
        }),
        Err(attempt) => Err(DecodeError::of(text, Vec::new(), Some(attempt))),
    }
}

/// The error of a text that was not kept because it is too long.
pub(crate) fn too_large(text: &str, bytes: usize, limit: usize) -> DecodeError {
    let source = RepairError::TooLarge { bytes, limit };
    DecodeError::new(text, DecodeFailure::Json { source })
}

/// What came of a document that does not fit.
#[derive(Debug)]
struct Attempt {
    failure: DecodeFailure,
    conformed: Conformed,
}

impl Attempt {
    /// The one with less to complain of; the first of those with as little.
    fn better(one: Option<Self>, other: Self) -> Self {
        match one {
            Some(one) if one.failure.count() <= other.failure.count() => one,
            _ => other,
        }
    }
}

fn fit<T: DeserializeOwned>(
    json: Value,
    schema: &Schema,
    options: &DecodeOptions,
) -> Result<(T, Conformed), Attempt> {
    let conformed = match conform(json, schema, &options.matching) {
        Ok(conformed) => conformed,
        Err(source) => {
            return Err(Attempt {
                failure: DecodeFailure::Conform { source },
                conformed: Conformed::default(),
            });
        }
    };
    if let Err(violations) = schema.validate(&conformed.value) {
        return Err(Attempt {
            failure: DecodeFailure::Schema { violations },
            conformed,
        });
    }
    match T::deserialize(&conformed.value) {
        Ok(value) => Ok((value, conformed)),
        Err(error) => Err(Attempt {
            failure: DecodeFailure::Type {
                reason: error.to_string(),
            },
            conformed,
        }),
    }
}
