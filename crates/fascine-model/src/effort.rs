use serde::{Deserialize, Serialize};

/// How much a model thinks before it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effort {
    /// Not at all, where that can be asked for.
    None,
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Somewhat.
    Medium,
    /// Much.
    High,
    /// At most so many tokens.
    Budget(u32),
}
