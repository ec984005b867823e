/// A variable or a setting does not name a proxy that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy in {variable} cannot be used: {reason}")]
#[non_exhaustive]
pub struct ProxyError {
    /// The name of the variable, or `url`.
    pub variable: String,
    /// What is wrong with it; it does not repeat the value, which may hold a password.
    pub reason: String,
}
