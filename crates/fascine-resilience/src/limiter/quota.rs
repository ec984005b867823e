use std::num::NonZeroU64;
use std::time::Duration;

/// How much of one currency may be used, and in what rhythm.
///
/// # Defaults
///
/// - the strict [`Strategy::SlidingWindow`]
/// - what is larger than the whole quota is refused
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    name: String,
    limit: u64,
    per: Duration,
    strategy: Strategy,
    borrows: bool,
}

/// What a [`Quota`]'s numbers mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The whole limit comes back at once when a cycle of the quota's time ends; cycles begin when the limiter is made.
    ///
    /// Up to twice the limit passes around the end of a cycle. Not for a service that counts strictly: use it when the
    /// service itself counts in such cycles.
    FixedCycle,
    /// What was taken counts for the quota's time: no stretch of that length ever holds more than the limit.
    #[default]
    SlidingWindow,
    /// A bucket of `burst` units that fills up evenly, `limit` units in the quota's time: any stretch of time holds at
    /// most `burst` and what flows in meanwhile. The generic cell rate algorithm, in exact numbers.
    TokenBucket {
        /// How much the bucket holds.
        burst: NonZeroU64,
    },
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
    /// A quota was changed that the limiter does not have.
    #[error("there is no quota named `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
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
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, QuotaError};
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(Quota::new("tokens", 90_000, minute)?.limit(), 90_000);
    /// assert!(matches!(Quota::new("tokens", 0, minute), Err(QuotaError::ZeroLimit { .. })));
    /// # Ok::<_, QuotaError>(())
    /// ```
    pub fn new(name: impl Into<String>, limit: u64, per: Duration) -> Result<Self, QuotaError> {
        let name = name.into();
        if name.is_empty() {
            Err(QuotaError::EmptyName)
        } else if limit == 0 {
            Err(QuotaError::ZeroLimit { name })
        } else if per.is_zero() {
            Err(QuotaError::ZeroTime { name })
        } else {
            Ok(Self {
                name,
                limit,
                per,
                strategy: Strategy::default(),
                borrows: false,
            })
        }
    }

    /// Chooses what the numbers mean.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, Strategy};
    /// use std::{num::NonZeroU64, time::Duration};
    ///
    /// let burst = NonZeroU64::new(5).unwrap();
    /// let quota = Quota::new("requests", 60, Duration::from_secs(60))?
    ///     .with_strategy(Strategy::TokenBucket { burst });
    /// assert_eq!(quota.capacity(), 5);
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// ```
    #[must_use]
    pub const fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Grants what is larger than the whole quota once all of the quota is free, and holds back those who come after
    /// until it is paid for at the quota's rate.
    ///
    /// Not for a service that refuses such a call anyway: an error at once is cheaper.
    #[must_use]
    pub const fn with_borrowing(mut self) -> Self {
        self.borrows = true;
        self
    }

    /// The currency.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many units are allowed.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// The length of the stretch of time.
    #[must_use]
    pub const fn per(&self) -> Duration {
        self.per
    }

    /// What the numbers mean.
    #[must_use]
    pub const fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Whether more than the whole quota may be had at once.
    #[must_use]
    pub const fn borrows(&self) -> bool {
        self.borrows
    }

    /// How many units can be free at once: the burst of a bucket, the limit otherwise.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        match self.strategy {
            Strategy::TokenBucket { burst } => burst.get(),
            Strategy::FixedCycle | Strategy::SlidingWindow => self.limit,
        }
    }
}
