/// What a [`Tls`](crate::Tls) was to be made of cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the TLS configuration cannot be used: {field}: {reason}")]
#[non_exhaustive]
pub struct TlsError {
    /// What part of it: `authorities`, `client certificate`, `client key`, `platform roots` or `provider`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl TlsError {
    pub(crate) fn new(field: &'static str, reason: impl ToString) -> Self {
        Self {
            field,
            reason: reason.to_string(),
        }
    }
}
