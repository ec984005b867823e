use std::time::Duration;

/// How much of one currency may be used in any stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    name: String,
    limit: u64,
    per: Duration,
}

/// A quota, or a set of them, makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// Two quotas have the same name.
    #[error("there are two quotas named `{name}`")]
    Duplicate {
        /// Their name.
        name: String,
    },
    /// The name is empty.
    #[error("a quota has an empty name")]
    EmptyName,
    /// Nothing would ever pass.
    #[error("the limit of quota `{name}` is zero")]
    ZeroLimit {
        /// The quota's name.
        name: String,
    },
    /// Nothing would ever be held back.
    #[error("the time of quota `{name}` is zero")]
    ZeroTime {
        /// The quota's name.
        name: String,
    },
}

impl Quota {
    /// Allows `limit` units of the currency `name` in every stretch of time that is `per` long.
    ///
    /// # Errors
    ///
    /// [`QuotaError`] when the name is empty, or the limit or the time is zero.
    pub fn new(name: impl Into<String>, limit: u64, per: Duration) -> Result<Self, QuotaError> {
        let name = name.into();
        if name.is_empty() {
            Err(QuotaError::EmptyName)
        } else if limit == 0 {
            Err(QuotaError::ZeroLimit { name })
        } else if per.is_zero() {
            Err(QuotaError::ZeroTime { name })
        } else {
            Ok(Self { name, limit, per })
        }
    }

    /// The currency.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many units are allowed.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The length of the stretch of time.
    #[must_use]
    pub fn per(&self) -> Duration {
        self.per
    }
}
