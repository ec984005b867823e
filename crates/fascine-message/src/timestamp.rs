use serde::{Deserialize, Serialize};

/// When something was said, in milliseconds since the beginning of 1970 (UTC, without leap seconds).
///
/// It comes from whoever stores a message: this crate reads no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// So many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// How many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn as_unix_millis(self) -> u64 {
        self.0
    }
}
