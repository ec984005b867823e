use std::fmt;

use crate::primitives::lock::{LockGuard, LockGuardArc};
use crate::primitives::waiters::Waiters;
use crate::primitives::wakers::Wakers;
use crate::sync::{Mutex, const_fn, lock};

mod wait;

pub use wait::{ConditionWait, ConditionWaitArc};

/// Lets tasks wait until the value of a [`Lock`](crate::Lock) has changed.
///
/// A waiter gives its guard, sleeps, and gets a guard back. Nobody is woken without a notification, each notification
/// is for one waiter, in the order in which they came, and notifications add up: two calls of `notify(1)` wake two. A
/// notification while nobody waits is lost, which is why the value is looked at first, or
/// [`wait_while`](Self::wait_while) does it.
///
/// For something that happens once, use an [`Event`](crate::Event); to pass values on, a [`Queue`](crate::Queue).
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Condition, Lock};
/// # use std::sync::Arc;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let shared = Arc::new((Lock::new(0), Condition::new()));
/// let counts = rt.spawn({
///     let shared = Arc::clone(&shared);
///     async move {
///         let (lock, changed) = &*shared;
///         for _ in 0..3 {
///             *lock.lock().await += 1;
///             changed.notify_all();
///         }
///     }
/// });
/// let (lock, changed) = &*shared;
/// let count = changed.wait_while(lock.lock().await, |count| *count < 3).await;
/// assert_eq!(*count, 3);
/// # drop(count);
/// # counts.await.unwrap();
/// # });
/// ```
pub struct Condition {
    waiters: Mutex<Waiters<(), ()>>,
}

impl Condition {
    const_fn! {
        /// Makes a condition; it may be used with any lock.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                waiters: Mutex::new(Waiters::new()),
            }
        }
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// It waits from its first poll on, and unlocks after it has joined the queue: whoever locks after that cannot
    /// notify in vain.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the guard and the place in the queue. If it had been notified, the next waiter is.
    /// The lock is not taken again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{Condition, Lock};
    /// # use std::sync::Arc;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let shared = Arc::new((Lock::new("old"), Condition::new()));
    /// let guard = shared.0.lock().await;
    /// let changes = rt.spawn({
    ///     let shared = Arc::clone(&shared);
    ///     async move {
    ///         *shared.0.lock().await = "new";
    ///         shared.1.notify(1)
    ///     }
    /// });
    /// let guard = shared.1.wait(guard).await;
    /// assert_eq!(*guard, "new");
    /// # drop(guard);
    /// # assert_eq!(changes.await.unwrap(), 1);
    /// # });
    /// ```
    pub fn wait<'a, 'l, T: ?Sized>(&'a self, guard: LockGuard<'l, T>) -> ConditionWait<'a, 'l, T> {
        ConditionWait::new(self, guard)
    }

    /// Unlocks, waits for a notification, and locks again, with a guard that borrows nothing; otherwise as
    /// [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_arc<T: ?Sized>(&self, guard: LockGuardArc<T>) -> ConditionWaitArc<'_, T> {
        ConditionWaitArc::new(self, guard)
    }

    /// Waits for notifications as long as `condition` holds; the returned guard finds it not to hold.
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// See [`Condition`].
    pub async fn wait_while<'l, T: ?Sized>(
        &self,
        mut guard: LockGuard<'l, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'l, T> {
        while condition(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Notifies the first `count` that wait; returns how many that were.
    ///
    /// The lock may be held, and need not be.
    pub fn notify(&self, count: usize) -> usize {
        let mut wakers = Wakers::default();
        let mut waiters = lock(&self.waiters);
        let mut notified = 0;
        while notified < count
            && let Ok(((), waker)) = waiters.grant_first(())
        {
            wakers.push(waker);
            notified += 1;
        }
        drop(waiters);
        wakers.wake();
        notified
    }

    /// Notifies all that wait; returns how many that were.
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX)
    }

    /// Returns how many futures wait for a notification.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.waiters).len()
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("waiting", &self.waiting())
            .finish()
    }
}
