use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine_concurrency::{CapacityGuard, CapacityGuardArc, CapacityLimiter};
use fascine_rt::Rt;

use crate::BulkheadError;
use crate::room::Room;

/// Lets so many calls run at a time, so that one slow service cannot take everything a program has.
///
/// A call that finds it full waits in the order of arrival, if there is room to wait, and no longer than it may.
/// Clones are the same bulkhead: they share the permits and the queue. How much of the queue a call may use and how
/// long it may wait is a setting of each clone, so that some callers may be more patient than others.
///
/// Where the right number is not known, [`AdaptiveLimit`](crate::AdaptiveLimit) finds it. To limit your own futures
/// in one place, [`bounded_map`](fascine_concurrency::bounded_map) is enough. It does not know calls per minute: that
/// is [`RateLimiter`](crate::RateLimiter).
///
/// # Defaults
///
/// - nobody waits
/// - who may wait, waits until the ambient deadline
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Bulkhead, BulkheadError};
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let bulkhead = Bulkhead::new(&rt, NonZeroUsize::new(1).unwrap());
/// assert_eq!(bulkhead.run(|| async { 42 }).await, Ok(42));
///
/// let inside = bulkhead.acquire().await?;
/// let refused = bulkhead.run(|| async { 42 }).await;
/// assert_eq!(refused, Err(BulkheadError::Full { running: 1, waiting: 0 }));
/// # drop(inside);
/// # Ok::<_, BulkheadError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Bulkhead {
    room: Room,
    concurrency: NonZeroUsize,
}

impl Bulkhead {
    /// Makes one that lets `concurrency` calls run at a time.
    #[must_use]
    pub fn new(rt: &Rt, concurrency: NonZeroUsize) -> Self {
        let limiter = Arc::new(CapacityLimiter::new(concurrency.get()));
        Self {
            room: Room::new(rt, limiter),
            concurrency,
        }
    }

    /// Sets at how many waiting calls one more is refused; with 0 none waits.
    #[must_use]
    pub fn with_queue(mut self, capacity: usize) -> Self {
        self.room.set_queue(capacity);
        self
    }

    /// Sets how long a call waits at most; with [`Duration::ZERO`] none waits.
    #[must_use]
    pub fn with_max_wait(mut self, longest: Duration) -> Self {
        self.room.set_max_wait(longest);
        self
    }

    /// Makes a call when there is room, and gives its output.
    ///
    /// # Errors
    ///
    /// [`BulkheadError`] if there was none; the call was not made then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, then gives back its room, or its place in the queue.
    pub async fn run<F: Future>(
        &self,
        call: impl FnOnce() -> F,
    ) -> Result<F::Output, BulkheadError> {
        let permit = self.enter().await?;
        let output = call().await;
        drop(permit);
        Ok(output)
    }

    /// Waits for room, and holds it until the permit is dropped.
    ///
    /// # Errors
    ///
    /// [`BulkheadError`] if the queue is full, or the wait takes too long.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue; room that it was granted goes to the next one.
    pub async fn acquire(&self) -> Result<BulkheadPermit, BulkheadError> {
        let guard = self.room.enter_arc().await?;
        Ok(BulkheadPermit { _guard: guard })
    }

    /// Takes room if there is some now and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`BulkheadError::Full`] if not.
    pub fn try_acquire(&self) -> Result<BulkheadPermit, BulkheadError> {
        let guard = self.room.try_enter_arc()?;
        Ok(BulkheadPermit { _guard: guard })
    }

    /// Returns how many calls run at a time at most.
    #[must_use]
    pub fn concurrency(&self) -> NonZeroUsize {
        self.concurrency
    }

    /// Returns how many calls are inside, as it was a moment ago.
    #[must_use]
    pub fn running(&self) -> usize {
        self.room.running()
    }

    /// Returns how many calls wait, as it was a moment ago.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.room.waiting()
    }

    pub(crate) async fn enter(&self) -> Result<CapacityGuard<'_>, BulkheadError> {
        self.room.enter().await
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("concurrency", &self.concurrency)
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Room in a [`Bulkhead`], given back when it is dropped.
#[derive(Debug)]
#[must_use = "the room is given back when the permit is dropped"]
pub struct BulkheadPermit {
    _guard: CapacityGuardArc,
}
