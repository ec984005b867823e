use std::fmt;
use std::sync::Arc;

use crate::primitives::wait_queue::{Glance, MAX_PERMITS, Refused, WaitQueue};
use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

mod acquire;
mod error;
mod guard;

pub use acquire::{Acquire, AcquireArc};
pub use error::AcquireError;
pub use guard::{SemaphoreGuard, SemaphoreGuardArc};

/// Limits how many may do something at the same time; with weights, how much.
///
/// Permits are granted in the order of the calls, and handed over: whoever gives some back gives them to the first that
/// waits, so a task that takes permits in a loop never passes one that waits. One that wants many holds up those behind
/// it until it has them all; that is the price of not starving it.
///
/// It needs no runtime and is made in a `const`. Taking and giving back allocate nothing.
///
/// A future that waits has to be polled on or dropped. One that is kept aside, as `select!` on a `&mut` future does in
/// its arms, is granted its permits all the same, and nobody else gets them until it is polled or dropped.
///
/// For a limit that changes while it is in use, or that is counted by borrower, see
/// [`CapacityLimiter`](crate::CapacityLimiter); for exclusive access to a value, [`Lock`](crate::Lock). To limit how
/// many of your own futures run, [`bounded_map`](crate::bounded_map) needs no semaphore.
///
/// # Units
///
/// Permits are whatever you count; at most [`MAX_PERMITS`](Self::MAX_PERMITS) exist at a time.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::Semaphore;
/// # fascine_testing::TestRuntime::run(|_| async {
/// static CONNECTIONS: Semaphore = Semaphore::new(2);
///
/// let one = CONNECTIONS.acquire().await?;
/// let other = CONNECTIONS.acquire().await?;
/// assert!(CONNECTIONS.try_acquire().is_err());
/// drop(one);
/// assert!(CONNECTIONS.try_acquire().is_ok());
/// # drop(other);
/// # Ok::<_, fascine_concurrency::AcquireError>(())
/// # }).unwrap();
/// ```
pub struct Semaphore {
    queue: WaitQueue,
    /// The permits in existence, taken or not: never more than [`MAX_PERMITS`], so that giving back cannot overflow.
    total: AtomicUsize,
}

/// How a [`Semaphore`] looked at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SemaphoreStatistics {
    /// Permits in existence, taken or not; read a moment after the others.
    pub total: usize,
    /// Permits that nobody holds.
    pub available: usize,
    /// How many futures wait.
    pub waiting: usize,
    /// How many permits the first of them wants.
    pub first_wants: Option<usize>,
    /// Whether it is closed.
    pub closed: bool,
}

impl Semaphore {
    /// How many permits a semaphore can have: `usize::MAX / 4`.
    pub const MAX_PERMITS: usize = MAX_PERMITS;

    const_fn! {
        /// Makes a semaphore with so many permits; zero is allowed, and more than
        /// [`MAX_PERMITS`](Self::MAX_PERMITS) are that many.
        #[must_use]
        pub const fn new(permits: usize) -> Self {
            let permits = if permits > MAX_PERMITS { MAX_PERMITS } else { permits };
            Self {
                queue: WaitQueue::new(permits),
                total: AtomicUsize::new(permits),
            }
        }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Closed`] after [`close`](Self::close), also if that comes while it waits.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue. A permit that it was granted but has not returned yet goes
    /// to the next one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.acquire().await.unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # });
    /// ```
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Waits for so many permits at once.
    ///
    /// Zero permits are granted at once. More than there are now are waited for: they may be
    /// [added](Self::add_permits).
    ///
    /// # Errors
    ///
    /// [`AcquireError::Closed`] after [`close`](Self::close), and [`AcquireError::TooMany`] if so many can never exist.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire). Those that waited behind it and want less get their permits at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let megabytes = Semaphore::new(512);
    /// let large = megabytes.acquire_many(400).await.unwrap();
    /// assert!(megabytes.try_acquire_many(200).is_err());
    /// # drop(large);
    /// # });
    /// ```
    #[inline]
    pub fn acquire_many(&self, permits: usize) -> Acquire<'_> {
        Acquire::new(self, permits)
    }

    /// Waits for a permit whose guard borrows nothing; otherwise as [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// # use std::sync::Arc;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.acquire_arc().await.unwrap();
    /// let task = rt.spawn(async move { permit.permits() });
    /// assert_eq!(task.await.unwrap(), 1);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # });
    /// ```
    pub fn acquire_arc(self: &Arc<Self>) -> AcquireArc {
        self.acquire_many_arc(1)
    }

    /// Waits for so many permits at once, whose guard borrows nothing; otherwise as
    /// [`acquire_many`](Self::acquire_many).
    ///
    /// # Errors
    ///
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Panics
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire_many`](Self::acquire_many).
    pub fn acquire_many_arc(self: &Arc<Self>, permits: usize) -> AcquireArc {
        AcquireArc::new(Arc::clone(self), permits)
    }

    /// Takes a permit if one is there and nobody waits.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Unavailable`] if not, and [`AcquireError::Closed`] after [`close`](Self::close).
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphoreGuard<'_>, AcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes so many permits if they are there and nobody waits; zero are always there.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire), and [`AcquireError::TooMany`] if so many can never exist.
    #[inline]
    pub fn try_acquire_many(&self, permits: usize) -> Result<SemaphoreGuard<'_>, AcquireError> {
        self.try_take(permits)?;
        Ok(SemaphoreGuard::new(self, permits))
    }

    /// Takes a permit whose guard borrows nothing, if one is there and nobody waits.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_arc(self: &Arc<Self>) -> Result<SemaphoreGuardArc, AcquireError> {
        self.try_acquire_many_arc(1)
    }

    /// Takes so many permits, whose guard borrows nothing, if they are there and nobody waits.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_many`](Self::try_acquire_many).
    pub fn try_acquire_many_arc(
        self: &Arc<Self>,
        permits: usize,
    ) -> Result<SemaphoreGuardArc, AcquireError> {
        self.try_take(permits)?;
        Ok(SemaphoreGuardArc::new(Arc::clone(self), permits))
    }

    /// Adds permits, which go to those that wait, in order.
    ///
    /// To take some away for good, [forget](SemaphoreGuard::forget) their guard.
    ///
    /// # Errors
    ///
    /// [`AcquireError::TooMany`] if more than [`MAX_PERMITS`](Self::MAX_PERMITS) would exist; none are added then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let semaphore = Semaphore::new(0);
    /// semaphore.add_permits(2).unwrap();
    /// let both = semaphore.acquire_many(2).await.unwrap();
    /// assert_eq!(both.permits(), 2);
    /// # });
    /// ```
    pub fn add_permits(&self, permits: usize) -> Result<(), AcquireError> {
        let add = |total: usize| total.checked_add(permits).filter(|sum| *sum <= MAX_PERMITS);
        match self.total.fetch_update(Relaxed, Relaxed, add) {
            Ok(_) => {
                self.queue.give_back(permits);
                Ok(())
            }
            Err(_) => Err(AcquireError::TooMany { wanted: permits }),
        }
    }

    /// Closes it: whoever waits, or comes later, gets [`AcquireError::Closed`].
    ///
    /// Permits that are held stay valid. Returns whether it was open.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{AcquireError, Semaphore};
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let semaphore = Semaphore::new(1);
    /// assert!(semaphore.close());
    /// assert_eq!(semaphore.acquire().await.unwrap_err(), AcquireError::Closed);
    /// # });
    /// ```
    pub fn close(&self) -> bool {
        self.queue.close()
    }

    /// Returns whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns how many permits nobody holds, as they were a moment ago.
    ///
    /// If somebody waits for more than these, they are not to be had all the same.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.queue.available()
    }

    /// Returns how it looks, for dashboards and tests.
    #[must_use]
    pub fn statistics(&self) -> SemaphoreStatistics {
        let Glance {
            available,
            waiting,
            first_wants,
            closed,
        } = self.queue.glance();
        SemaphoreStatistics {
            total: self.total.load(Relaxed),
            available,
            waiting,
            first_wants,
            closed,
        }
    }

    #[inline]
    fn try_take(&self, permits: usize) -> Result<(), AcquireError> {
        if permits > MAX_PERMITS {
            return Err(AcquireError::TooMany { wanted: permits });
        }
        self.queue
            .try_take(permits)
            .map_err(|refused| match refused {
                Refused::Closed => AcquireError::Closed,
                Refused::Unavailable => AcquireError::Unavailable,
            })
    }

    #[inline]
    fn give_back(&self, permits: usize) {
        self.queue.give_back(permits);
    }

    fn forget(&self, permits: usize) {
        self.total.fetch_sub(permits, Relaxed);
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = self.statistics();
        f.debug_struct("Semaphore")
            .field("total", &statistics.total)
            .field("available", &statistics.available)
            .field("waiting", &statistics.waiting)
            .field("closed", &statistics.closed)
            .finish()
    }
}
