use http::{HeaderMap, HeaderName};

use crate::TransportError;
use crate::url::Origin;

/// Refuses to send a key where anybody on the way can read it.
///
/// A key is what is marked as sensitive, and what is one by its name.
pub(crate) fn check(headers: &HeaderMap, origin: &Origin) -> Result<(), TransportError> {
    if origin.secure || origin.is_loopback() {
        return Ok(());
    }
    let mut carriers = headers.iter();
    match carriers.find(|(name, value)| value.is_sensitive() || is_key(name)) {
        Some((name, _)) => Err(TransportError::PlaintextCredentials {
            header: name.to_string(),
            host: origin.host.clone(),
        }),
        None => Ok(()),
    }
}

fn is_key(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "api-key"
            | "authorization"
            | "cookie"
            | "proxy-authorization"
            | "x-api-key"
            | "x-goog-api-key"
    )
}
