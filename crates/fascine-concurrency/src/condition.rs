use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::lock::{Lock, LockGuard, Locking};
use crate::sync::{Mutex, const_fn, lock};
use crate::waiters::{Left, Place, Waiters, poll_place};
use crate::wakers::Wakers;

/// Lets tasks wait until the value of a [`Lock`] has changed.
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
        ConditionWait {
            condition: self,
            stage: Stage::Holds(guard),
        }
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

/// The future of [`Condition::wait`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct ConditionWait<'a, 'l, T: ?Sized> {
    condition: &'a Condition,
    stage: Stage<'l, T>,
}

enum Stage<'l, T: ?Sized> {
    Ended,
    Holds(LockGuard<'l, T>),
    /// It was notified.
    Locks(Locking<'l, T>),
    Waits(&'l Lock<T>, Place),
}

impl<'l, T: ?Sized> Future for ConditionWait<'_, 'l, T> {
    type Output = LockGuard<'l, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiters = &self.condition.waiters;
        loop {
            match &mut self.stage {
                Stage::Holds(guard) => {
                    let source = LockGuard::source(guard);
                    let waker = cx.waker().clone();
                    let place = lock(waiters).join((), waker);
                    // Unlocks, after it has joined; this wakes whoever waits for the lock.
                    self.stage = Stage::Waits(source, place);
                    return Poll::Pending;
                }
                Stage::Waits(source, place) => {
                    let locking = source.lock();
                    ready!(poll_place(waiters, |waiters| waiters, *place, cx));
                    self.stage = Stage::Locks(locking);
                }
                Stage::Locks(locking) => {
                    let guard = ready!(Pin::new(locking).poll(cx));
                    self.stage = Stage::Ended;
                    return Poll::Ready(guard);
                }
                Stage::Ended => panic!("`Condition::wait` was polled after it had ended"),
            }
        }
    }
}

impl<T: ?Sized> Drop for ConditionWait<'_, '_, T> {
    fn drop(&mut self) {
        let was_notified = match self.stage {
            Stage::Waits(_, place) => {
                // The waker goes after the lock.
                let left = lock(&self.condition.waiters).leave(place);
                matches!(left, Left::Granted(()))
            }
            Stage::Locks(_) => true,
            Stage::Ended | Stage::Holds(_) => false,
        };
        if was_notified {
            self.condition.notify(1);
        }
    }
}

impl<T: ?Sized> fmt::Debug for ConditionWait<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Ended => "ended",
            Stage::Holds(_) => "holds the lock",
            Stage::Locks(_) => "was notified",
            Stage::Waits(..) => "waits",
        };
        f.debug_struct("ConditionWait")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}
