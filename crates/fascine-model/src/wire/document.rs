use super::lenient::{Fit, Lenient};
use crate::ModelFailure;

/// Reads an object that is all of a document.
///
/// # Errors
///
/// [`ModelFailure::Malformed`] when it is no JSON, or no object.
pub(crate) fn document<'de, T: Lenient<'de>>(json: &'de [u8]) -> Result<T, ModelFailure> {
    checked(serde_json::from_slice(json), json)
}

/// As [`document`], of what is known to be text.
pub(crate) fn text_document<'de, T: Lenient<'de>>(json: &'de str) -> Result<T, ModelFailure> {
    checked(serde_json::from_str(json), json.as_bytes())
}

fn checked<T>(read: serde_json::Result<Fit<T>>, json: &[u8]) -> Result<T, ModelFailure> {
    let malformed = |reason: String| ModelFailure::malformed(reason, json);
    let fit = read.map_err(|error| malformed(error.to_string()))?;
    fit.0.map_err(|_| malformed("it is no object".to_owned()))
}
