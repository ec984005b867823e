/// A schema that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema `{name}` is not valid: {reason}")]
#[non_exhaustive]
pub struct SchemaError {
    /// What it is called.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}
