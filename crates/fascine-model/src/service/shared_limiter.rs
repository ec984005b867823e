use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fascine_resilience::{Acquire, LimitError, RateLimiter, Reservation};

use super::cost::{Cost, QUOTAS};
use super::steering::Steering;
use crate::Waiting;

/// A [`RateLimiter`] that several services share, because they spend from the same account: of one key, say.
///
/// Of its quotas a service knows `requests`, `tokens`, `input_tokens` and `output_tokens`. A pause that one service is
/// asked for holds for all, and so does what one learns from headers. Clones are the same.
///
/// ```
/// use fascine_http::{H1Transport, MemoryNet};
/// use fascine_model::{ModelService, OpenAi, SharedLimiter};
/// use fascine_resilience::{Quota, RateLimiter};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let quota = Quota::new("requests", 60, Duration::from_secs(60)).unwrap();
/// let account = SharedLimiter::new("team key", RateLimiter::new(&rt, [quota]).unwrap());
/// let transport = H1Transport::new(&rt, MemoryNet::new());
/// let services = ["large", "small"].map(|model| {
///     let provider = OpenAi::new("http://127.0.0.1/v1", model).unwrap();
///     let service = ModelService::builder(&rt, provider, transport.clone()).limiter(&account);
///     service.build().unwrap()
/// });
/// # drop(services);
/// # });
/// ```
#[derive(Clone)]
pub struct SharedLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    limiter: RateLimiter,
    /// Which of the quotas there are.
    there: [bool; QUOTAS.len()],
    line: Mutex<Line>,
    steering: Mutex<Steering>,
}

/// Who waits, in the order in which they came.
#[derive(Default)]
struct Line {
    last: u64,
    numbers: BTreeSet<u64>,
}

impl SharedLimiter {
    /// Names a limiter.
    pub fn new(name: impl Into<String>, limiter: RateLimiter) -> Self {
        let quotas = limiter.quotas();
        let there = QUOTAS.map(|(name, _)| quotas.iter().any(|quota| quota.name() == name));
        let steering = Steering::new(&quotas);
        Self {
            shared: Arc::new(Shared {
                name: name.into(),
                limiter,
                there,
                line: Mutex::default(),
                steering: Mutex::new(steering),
            }),
        }
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The limiter, to look at its quotas and what is free of them.
    #[must_use]
    pub fn limiter(&self) -> &RateLimiter {
        &self.shared.limiter
    }

    pub(crate) fn there(&self) -> [bool; QUOTAS.len()] {
        self.shared.there
    }

    /// Whether a request takes any tokens of it.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.shared.there[1..].contains(&true)
    }

    pub(crate) fn try_acquire(&self, cost: &Cost) -> Result<Reservation, LimitError> {
        let cost = cost.named(self.there());
        self.limiter().try_acquire(cost.as_slice())
    }

    pub(crate) fn acquire(&self, cost: &Cost) -> Acquire {
        self.limiter().acquire(cost.named(self.there()).as_slice())
    }

    pub(crate) fn steering(&self) -> MutexGuard<'_, Steering> {
        let steering = self.shared.steering.lock();
        steering.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn join_line(&self) -> u64 {
        let mut line = self.line();
        line.last += 1;
        let number = line.last;
        line.numbers.insert(number);
        number
    }

    pub(crate) fn leave_line(&self, number: u64) {
        self.line().numbers.remove(&number);
    }

    /// Why whoever has that number in the line waits.
    pub(crate) fn why(&self, number: u64, cost: &Cost, now: Instant) -> Waiting {
        let position = self.line().numbers.range(..number).count();
        if position > 0 {
            return Waiting::Queue { position };
        }
        if let Some(until) = self.limiter().paused_until() {
            return Waiting::Paused { until };
        }
        let lacking = QUOTAS.iter().enumerate().find(|(index, (name, _))| {
            let free = self.limiter().available(name);
            free.is_some_and(|free| free < cost.amount(*index))
        });
        match lacking {
            Some((_, (quota, _))) => Waiting::Limited {
                quota,
                until: self.limiter().next_grant().unwrap_or(now),
            },
            None => Waiting::Queue { position },
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        let line = self.shared.line.lock();
        line.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLimiter")
            .field("name", &self.shared.name)
            .field("limiter", &self.shared.limiter)
            .finish_non_exhaustive()
    }
}
