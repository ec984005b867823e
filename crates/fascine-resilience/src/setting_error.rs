/// A setting that makes no sense, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
#[non_exhaustive]
pub struct SettingError {
    /// The name of the setting.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl SettingError {
    pub(crate) const fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, problem }
    }
}
