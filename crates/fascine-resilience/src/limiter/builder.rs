use std::fmt;
use std::time::Duration;

use fascine_rt::Rt;

use crate::limiter::memory_store::MemoryStore;
use crate::limiter::settings::Settings;
use crate::limiter::state::State;
use crate::limiter::store::Store;
use crate::{Quota, QuotaError, QuotaStore, RateLimiter};

/// Makes a [`RateLimiter`] that differs from its defaults.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{LimitError, MemoryStore, Quota, QuotaError, RateLimiter};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let minute = Duration::from_secs(60);
/// let quotas = [Quota::new("requests", 60, minute)?, Quota::new("tokens", 90_000, minute)?];
/// let limiter = RateLimiter::builder(&rt)
///     .with_store(MemoryStore::new(rt.now(), &quotas))
///     .with_quotas(quotas)
///     .with_queue_capacity(1)
///     .with_overtaking(3)
///     .with_priority_bound(10)
///     .with_max_pause(5 * minute)
///     .build()?;
/// limiter.try_spend(&[("requests", 60)]).unwrap();
/// let waits = limiter.reserve(&[("requests", 1)]).unwrap();
/// let full = limiter.acquire(&[("requests", 1)]).await.unwrap_err();
/// assert_eq!(full, LimitError::QueueFull { capacity: 1 });
/// # drop(waits);
///
/// // Mistakes are found before there is a limiter.
/// assert!(matches!(Quota::new("requests", 0, minute), Err(QuotaError::ZeroLimit { .. })));
/// let twice = [Quota::new("requests", 1, minute)?, Quota::new("requests", 2, minute)?];
/// let wrong = RateLimiter::builder(&rt).with_quotas(twice).build();
/// assert_eq!(wrong.unwrap_err(), QuotaError::Duplicate { name: "requests".to_owned() });
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// # }).unwrap();
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct RateLimiterBuilder {
    rt: Rt,
    quotas: Vec<Quota>,
    settings: Settings,
    store: Option<Box<dyn QuotaStore>>,
}

impl RateLimiterBuilder {
    pub(crate) fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            quotas: Vec::new(),
            settings: Settings::default(),
            store: None,
        }
    }

    /// Adds quotas. All of a limiter's are held together.
    pub fn with_quotas(mut self, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.quotas.extend(quotas);
        self
    }

    /// Lets at most `capacity` callers wait; with 0 none waits.
    pub fn with_queue_capacity(mut self, capacity: usize) -> Self {
        self.settings.queue_capacity = capacity;
        self
    }

    /// Lets those that fit pass a waiter that does not, `times` for each waiter.
    ///
    /// Small calls then go on while a large one waits, which they delay by as much as they take: not where the large
    /// ones are the important ones.
    pub fn with_overtaking(mut self, times: u32) -> Self {
        self.settings.overtaking = times;
        self
    }

    /// Lets callers of [higher priority](crate::Acquire::with_priority) pass a waiter at most `times`.
    pub fn with_priority_bound(mut self, times: u32) -> Self {
        self.settings.priority_bound = times;
        self
    }

    /// Ends every [pause](RateLimiter::pause_until) after that long.
    pub fn with_max_pause(mut self, length: Duration) -> Self {
        self.settings.max_pause = length;
        self
    }

    /// Keeps what has been taken somewhere else than in memory.
    pub fn with_store(mut self, store: impl QuotaStore) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Makes the limiter.
    ///
    /// # Errors
    ///
    /// [`QuotaError::Duplicate`] when two quotas have the same name.
    pub fn build(self) -> Result<RateLimiter, QuotaError> {
        let mut names: Vec<String> = Vec::with_capacity(self.quotas.len());
        for quota in &self.quotas {
            let name = quota.name().to_owned();
            if names.contains(&name) {
                return Err(QuotaError::Duplicate { name });
            }
            names.push(name);
        }
        let store = match self.store {
            Some(store) => Store::Other(store),
            None => Store::Memory(MemoryStore::new(self.rt.now(), &self.quotas)),
        };
        let state = State::new(store, self.quotas, self.settings);
        Ok(RateLimiter::from_parts(self.rt, names.into(), state))
    }
}

impl fmt::Debug for RateLimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("quotas", &self.quotas)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
