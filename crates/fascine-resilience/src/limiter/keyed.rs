use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::mem;
use std::num::NonZeroUsize;

use fascine_rt::Rt;

use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{Mutex, lock};
use crate::{Quota, QuotaError, RateLimiter};

/// A [`RateLimiter`] for each key, all with the same quotas: for each user, host or account.
///
/// Memory is bounded. A limiter is forgotten only when that changes nothing: nobody has it, and nothing that was taken
/// of it still counts. So no flood of keys makes anybody's limit start anew; it gets [`KeysFull`] instead.
///
/// A family of more than a few keys is divided into parts with a lock each, up to sixteen. The keys are hashed and
/// compared under these; not for keys that do more than that.
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
    /// How many limiters there are, or are being made.
    count: AtomicUsize,
    hasher: RandomState,
    parts: Box<[Mutex<Keys<K>>]>,
    /// Where to look next for one that may be forgotten.
    looks: AtomicUsize,
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
        let parts = (capacity.get() / KEYS_OF_A_PART).clamp(1, MOST_PARTS);
        Ok(Self {
            rt: rt.clone(),
            quotas,
            capacity,
            count: AtomicUsize::new(0),
            hasher: RandomState::new(),
            parts: (0..parts).map(|_| Mutex::new(Keys::new())).collect(),
            looks: AtomicUsize::new(0),
        })
    }

    /// Returns the limiter of a key, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`KeysFull`] when there are so many already, and of the few that were looked at none may be forgotten.
    pub fn get(&self, key: K) -> Result<RateLimiter, KeysFull> {
        let nth = self.hasher.hash_one(&key) as usize % self.parts.len();
        let part = &self.parts[nth];
        if let Some(limiter) = lock(part).limiters.get(&key) {
            return Ok(limiter.clone());
        }
        let room = self.make_room()?;
        let quotas = self.quotas.iter().cloned();
        let Ok(limiter) = RateLimiter::new(&self.rt, quotas) else {
            unreachable!("the quotas were checked when the family was made")
        };
        let in_the_round = key.clone();
        let mut keys = lock(part);
        if let Some(other) = keys.limiters.get(&key) {
            // Somebody was faster.
            return Ok(other.clone());
        }
        keys.round.push_back(in_the_round);
        keys.limiters.insert(key, limiter.clone());
        mem::forget(room);
        Ok(limiter)
    }

    /// Finds room for one more: there is some, or one of the next few can be forgotten.
    ///
    /// A flood of keys costs each of them a little, and never a look at all.
    fn make_room(&self) -> Result<Room<'_>, KeysFull> {
        let capacity = self.capacity.get();
        let one_more = |count| (count < capacity).then_some(count + 1);
        let counted = self.count.fetch_update(Relaxed, Relaxed, one_more);
        let found = counted.is_ok() || {
            let mut looks = (0..LOOKED_AT).map(|_| self.looks.fetch_add(1, Relaxed));
            looks.any(|nth| {
                // Dropped once the lock is open; its room is taken over.
                let forgotten = lock(&self.parts[nth % self.parts.len()]).forget_next();
                forgotten.is_some()
            })
        };
        match found {
            true => Ok(Room(&self.count)),
            false => Err(KeysFull { capacity }),
        }
    }

    /// How many limiters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all limiters that are as good as new: for a program that wants the memory back before it is full.
    pub fn shrink(&self) {
        for part in &self.parts {
            let mut forgotten = Vec::new();
            let mut keys = lock(part);
            for _ in 0..keys.round.len() {
                forgotten.extend(keys.forget_next());
            }
            drop(keys);
            self.count.fetch_sub(forgotten.len(), Relaxed);
        }
    }
}

/// Room for a limiter that is being made.
struct Room<'a>(&'a AtomicUsize);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl<K> Keys<K> {
    fn new() -> Self {
        Self {
            limiters: HashMap::new(),
            round: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Keys<K> {
    /// Forgets the one that was looked at longest ago, if that changes nothing.
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
            .field("keys", &self.count.load(Relaxed))
            .finish_non_exhaustive()
    }
}

const LOOKED_AT: usize = 16;
const KEYS_OF_A_PART: usize = 16;
const MOST_PARTS: usize = 16;
