use std::fmt;
use std::sync::Arc;

use crate::raw::{Claim, Claiming, LockCell};
use crate::sync::const_fn;

mod guard;
mod locking;

pub use guard::{LockGuard, LockGuardArc};
pub use locking::{Locking, LockingArc};

/// Gives one task at a time access to a value, in the order in which they asked.
///
/// The guard may be held across an `.await`. Unlocking hands the lock to the first that waits: a task that locks in a
/// loop never passes one that waits. Locking and unlocking allocate nothing.
///
/// It is not reentrant: a task that asks for a lock that it holds waits for ever. It is not poisoned by a panic: the
/// next holder finds the value as the panic left it. A future that waits has to be polled on or dropped, as with a
/// [`Semaphore`](crate::Semaphore).
///
/// If the guard never lives across an `.await`, use [`std::sync::Mutex`], which is smaller and blocks a thread for a
/// moment instead of yielding. To run something once, use [`OnceCell`](crate::OnceCell).
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Lock, gather};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// static LOG: Lock<Vec<u32>> = Lock::new(Vec::new());
///
/// let write = |n| async move {
///     let mut log = LOG.lock().await;
///     log.push(n);
///     Ok::<_, ()>(())
/// };
/// gather([1, 2, 3].map(write)).await.unwrap();
/// assert_eq!(*LOG.lock().await, [1, 2, 3]);
/// # });
/// ```
pub struct Lock<T: ?Sized> {
    pub(crate) cell: LockCell<T>,
}

impl<T> Lock<T> {
    const_fn! {
        /// Makes an unlocked lock round a value.
        #[must_use]
        pub const fn new(value: T) -> Self {
            Self {
                cell: LockCell::new(value),
            }
        }
    }

    /// Returns the value: nobody else can hold the lock.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.cell.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits until the lock is this caller's.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue. If it had been handed the lock and not returned it yet, the
    /// lock goes to the next one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Lock;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let lock = Lock::new(1);
    /// *lock.lock().await += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// # });
    /// ```
    #[inline]
    pub fn lock(&self) -> Locking<'_, T> {
        Locking(Claiming::new(self))
    }

    /// Waits until the lock is this caller's; the guard borrows nothing. Otherwise as [`lock`](Self::lock).
    ///
    /// # Panics
    ///
    /// As [`lock`](Self::lock).
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Lock;
    /// # use std::sync::Arc;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let lock = Arc::new(Lock::new(1));
    /// let mut guard = lock.lock_arc().await;
    /// let task = rt.spawn(async move { *guard += 1 });
    /// task.await.unwrap();
    /// assert_eq!(*lock.lock().await, 2);
    /// # });
    /// ```
    pub fn lock_arc(self: &Arc<Self>) -> LockingArc<T> {
        LockingArc(Claiming::new(Arc::clone(self)))
    }

    /// Locks if nobody holds the lock and nobody waits for it.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        Claim::try_new(self).map(LockGuard)
    }

    /// Locks if nobody holds the lock and nobody waits for it; the guard borrows nothing.
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<LockGuardArc<T>> {
        Claim::try_new(Arc::clone(self)).map(LockGuardArc)
    }

    /// Returns the value: nobody else can hold the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.cell.get_mut()
    }

    /// Returns how many futures wait for the lock.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.cell.waiting()
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Lock");
        match self.try_lock() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}
