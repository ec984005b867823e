use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;

use fascine_rt::Rt;

use crate::sync::{Mutex, lock};
use crate::{Quota, QuotaError, RateLimiter};

/// A [`RateLimiter`] for each key, all with the same quotas: for each user, host or account.
///
/// Memory is bounded. A limiter is forgotten only when that changes nothing: nobody has it, and nothing that was taken
/// of it still counts. So no flood of keys makes anybody's limit start anew; it gets [`KeysFull`] instead.
///
/// The keys are hashed, compared and cloned under a lock; not for keys that do more than that.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{KeyedRateLimiter, Quota};
/// use std::{num::NonZeroUsize, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let quota = Quota::new("requests", 1, Duration::from_secs(1))?;
/// let users = KeyedRateLimiter::new(&rt, [quota], NonZeroUsize::new(1000).unwrap())?;
/// users.get("anna").unwrap().try_spend(&[("requests", 1)]).unwrap();
/// users.get("bert").unwrap().try_spend(&[("requests", 1)]).unwrap();
/// assert!(users.get("anna").unwrap().try_spend(&[("requests", 1)]).is_err());
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// # }).unwrap();
/// ```
pub struct KeyedRateLimiter<K> {
    rt: Rt,
    quotas: Vec<Quota>,
    capacity: NonZeroUsize,
    keys: Mutex<Keys<K>>,
}

/// There is no room for the limiter of one more key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all {capacity} keys are in use")]
pub struct KeysFull {
    /// How many limiters there may be.
    pub capacity: usize,
}

struct Keys<K> {
    limiters: HashMap<K, RateLimiter>,
    /// All of the keys, those that were looked at longest ago first.
    round: VecDeque<K>,
}

impl<K: Clone + Eq + Hash> KeyedRateLimiter<K> {
    /// Makes a family of limiters, of which at most `capacity` exist at the same time.
    ///
    /// # Errors
    ///
    /// [`QuotaError::Duplicate`] when two quotas have the same name.
    pub fn new(
        rt: &Rt,
        quotas: impl IntoIterator<Item = Quota>,
        capacity: NonZeroUsize,
    ) -> Result<Self, QuotaError> {
        let quotas: Vec<Quota> = quotas.into_iter().collect();
        // Finds the mistake now and not at the first key.
        RateLimiter::new(rt, quotas.iter().cloned())?;
        Ok(Self {
            rt: rt.clone(),
            quotas,
            capacity,
            keys: Mutex::new(Keys {
                limiters: HashMap::new(),
                round: VecDeque::new(),
            }),
        })
    }

    /// Returns the limiter of a key, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`KeysFull`] when there are so many already, and of the few that were looked at none may be forgotten.
    pub fn get(&self, key: K) -> Result<RateLimiter, KeysFull> {
        let mut forgotten = None;
        let mut keys = lock(&self.keys);
        if let Some(limiter) = keys.limiters.get(&key) {
            return Ok(limiter.clone());
        }
        let full = KeysFull {
            capacity: self.capacity.get(),
        };
        if keys.limiters.len() >= self.capacity.get() {
            forgotten = keys.forget_one();
            if forgotten.is_none() {
                return Err(full);
            }
        }
        let quotas = self.quotas.iter().cloned();
        let Ok(limiter) = RateLimiter::new(&self.rt, quotas) else {
            unreachable!("the quotas were checked when the family was made")
        };
        keys.round.push_back(key.clone());
        keys.limiters.insert(key, limiter.clone());
        drop(keys);
        drop(forgotten);
        Ok(limiter)
    }

    /// How many limiters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.keys).limiters.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all limiters that are as good as new: for a program that wants the memory back before it is full.
    pub fn shrink(&self) {
        let mut forgotten = Vec::new();
        let mut keys = lock(&self.keys);
        for _ in 0..keys.round.len() {
            forgotten.extend(keys.forget_next());
        }
        drop(keys);
    }
}

impl<K: Clone + Eq + Hash> Keys<K> {
    /// Forgets one of the next few: a flood of keys costs each of them a little, and never a look at all.
    fn forget_one(&mut self) -> Option<(K, RateLimiter)> {
        (0..LOOKED_AT.min(self.round.len())).find_map(|_| self.forget_next())
    }

    fn forget_next(&mut self) -> Option<(K, RateLimiter)> {
        let key = self.round.pop_front()?;
        let idle = self.limiters.get(&key).is_some_and(RateLimiter::is_idle);
        if idle {
            return self.limiters.remove_entry(&key);
        }
        self.round.push_back(key);
        None
    }
}

impl<K> fmt::Debug for KeyedRateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter")
            .field("quotas", &self.quotas)
            .field("capacity", &self.capacity)
            .field("keys", &lock(&self.keys).limiters.len())
            .finish_non_exhaustive()
    }
}

const LOOKED_AT: usize = 16;
