use serde::de::IgnoredAny;

/// Whether the last document of a stream is all there: when a stream is cut, the end of it is missing.
pub(crate) fn is_whole(json: &[u8]) -> bool {
    match serde_json::from_slice::<IgnoredAny>(json) {
        Ok(_) => true,
        Err(error) => !error.is_eof(),
    }
}
