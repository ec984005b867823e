use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_concurrency::CapacityGuardArc;
use fascine_rt::Rt;

use crate::BulkheadError;
use crate::room::Room;

mod aimd;
mod bounds;
mod gradient2;
mod sample;
mod steering;
mod vegas;

pub use aimd::Aimd;
pub use bounds::{Bounds, BoundsError};
pub use gradient2::Gradient2;
pub use sample::{LimitAlgorithm, Sample, SampleOutcome};
pub use vegas::Vegas;

use steering::Steering;

/// A [`Bulkhead`](crate::Bulkhead) that finds out by itself how many calls the other side takes.
///
/// A [`LimitAlgorithm`] is told how long each call took, and whether the other side was overloaded, and says how many
/// may run: [`Aimd`], which needs overload to be reported; [`Vegas`] and [`Gradient2`], which see queues build up in the
/// latencies. Clones are the same limit.
///
/// Where the number is known, a bulkhead is simpler. Where the other side counts calls per minute, latencies say
/// nothing: that is [`RateLimiter`](crate::RateLimiter).
///
/// # Defaults
///
/// - nobody waits
/// - who may wait, waits until the ambient deadline
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{AdaptiveLimit, Aimd, Bounds};
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let four = NonZeroUsize::new(4).unwrap();
/// let limit = AdaptiveLimit::new(&rt, Aimd::new(four, Bounds::default()));
/// let permit = limit.acquire().await?;
/// // Call; then say how it went.
/// permit.overloaded();
/// assert_eq!(limit.limit(), 3);
/// # Ok::<_, fascine_resilience::BulkheadError>(())
/// # }).unwrap();
/// ```
pub struct AdaptiveLimit<A> {
    room: Room,
    steering: Arc<Steering<A>>,
}

impl<A: LimitAlgorithm> AdaptiveLimit<A> {
    /// Makes a limit that begins where the algorithm does.
    #[must_use]
    pub fn new(rt: &Rt, algorithm: A) -> Self {
        let steering = Steering::new(algorithm);
        Self {
            room: Room::new(rt, Arc::clone(steering.limiter())),
            steering: Arc::new(steering),
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

    /// Makes a call when there is room, learns from how long it takes, and gives its output.
    ///
    /// `judge` says what the output tells about the other side.
    ///
    /// # Errors
    ///
    /// [`BulkheadError`] if there was no room; the call was not made then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, then gives back its room, or its place in the queue. Nothing is learned from
    /// a call that was dropped.
    pub async fn run<F: Future>(
        &self,
        call: impl FnOnce() -> F,
        judge: impl FnOnce(&F::Output) -> SampleOutcome,
    ) -> Result<F::Output, BulkheadError> {
        let permit = self.acquire().await?;
        let output = call().await;
        permit.end(judge(&output));
        Ok(output)
    }

    /// Waits for room, and holds it until the permit is told how the call went, or dropped.
    ///
    /// # Errors
    ///
    /// [`BulkheadError`] if the queue is full, or the wait takes too long.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue; room that it was granted goes to the next one.
    pub async fn acquire(&self) -> Result<AdaptivePermit<A>, BulkheadError> {
        let guard = self.room.enter_arc().await?;
        let rt = self.room.rt();
        Ok(AdaptivePermit {
            guard,
            started: rt.now(),
            rt: rt.clone(),
            steering: Arc::clone(&self.steering),
        })
    }

    /// Returns how many calls may run now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.room.total()
    }
}

impl<A> AdaptiveLimit<A> {
    /// Returns how many calls are running, as it was a moment ago.
    #[must_use]
    pub fn running(&self) -> usize {
        self.room.running()
    }

    /// Returns how many calls wait, as it was a moment ago.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.room.waiting()
    }
}

impl<A> Clone for AdaptiveLimit<A> {
    fn clone(&self) -> Self {
        Self {
            room: self.room.clone(),
            steering: Arc::clone(&self.steering),
        }
    }
}

impl<A> fmt::Debug for AdaptiveLimit<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveLimit")
            .field("limit", &self.room.total())
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Room under an [`AdaptiveLimit`], given back when it is dropped.
///
/// If it is dropped without a word, nothing is learned from the call.
#[must_use = "the room is given back when the permit is dropped"]
pub struct AdaptivePermit<A: LimitAlgorithm> {
    guard: CapacityGuardArc,
    started: Instant,
    rt: Rt,
    steering: Arc<Steering<A>>,
}

impl<A: LimitAlgorithm> AdaptivePermit<A> {
    /// Gives the room back after an answer, so that its latency counts.
    pub fn succeeded(self) {
        self.end(SampleOutcome::Succeeded);
    }

    /// Gives the room back after the other side was too busy: it refused, or did not answer in time.
    pub fn overloaded(self) {
        self.end(SampleOutcome::Overloaded);
    }

    pub(crate) fn end(self, outcome: SampleOutcome) {
        self.steering.ended(self.started, self.rt.now(), outcome);
        drop(self.guard);
    }
}

impl<A: LimitAlgorithm> fmt::Debug for AdaptivePermit<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptivePermit")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
