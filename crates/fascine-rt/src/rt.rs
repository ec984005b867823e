use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Runtime, Sleep, Task, direct, enter_block_on, task, unblock};

/// A runtime, as a value: what services and scopes of this workspace take as their first argument.
///
/// Clones are cheap and mean the same runtime.
#[derive(Clone)]
pub struct Rt(Arc<dyn Runtime>);

impl Rt {
    /// Wraps a runtime.
    #[must_use]
    pub fn new(runtime: impl Runtime) -> Self {
        Self(Arc::new(runtime))
    }

    /// Runs `future` in the background.
    ///
    /// The returned [`Task`] owns it: awaiting the task gives the output, dropping it cancels the future,
    /// [`Task::detach`] lets it run on.
    ///
    /// # Cancel safety
    ///
    /// A cancelled future is dropped by the runtime at its next turn, at one of its own await points.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (task, worker) = task::new(future);
        self.spawn_unjoined(worker);
        task
    }

    /// Runs a future that tells somebody else how it ended: what tasks and groups of tasks are made of.
    ///
    /// Nothing is made around it. It must not unwind, and marks its polls with [`enter_task`](crate::enter_task);
    /// whoever passes it here knows what ends it. For anything else there is [`spawn`](Self::spawn).
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when it has ended, or with its runtime.
    #[track_caller]
    pub fn spawn_unjoined<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Err(future) = direct::spawn(&*self.0, future) {
            at_location(Location::caller(), || self.0.spawn(Box::pin(future)));
        }
    }

    /// Runs `work` on a thread where it may block, so that no other task is held up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the task before the work has begun means that it never begins. Work that has begun cannot be
    /// interrupted: it runs to its end and its result is dropped.
    #[track_caller]
    pub fn unblock<T, W>(&self, work: W) -> Task<T>
    where
        W: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (task, job) = unblock::new(work);
        at_location(Location::caller(), || self.0.spawn_blocking(job));
        task
    }

    /// Runs `future` on this thread until it ends: the way in for a program that is not async.
    ///
    /// A runtime that runs only while somebody drives it is driven meanwhile, as far as its adapter can:
    /// `Embedded`, and `Tokio::of` a runtime with one thread. A handle alone cannot drive such a runtime: its tasks and
    /// timers then run only if somebody else does.
    ///
    /// # Panics
    ///
    /// When called from async code, where it would stall the executor.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_rt::Rt;
    /// use std::time::Duration;
    ///
    /// # let rt = Rt::new(fascine_rt::doc::Threads);
    /// let answer = rt.block_on(async {
    ///     rt.sleep(Duration::from_millis(1)).await;
    ///     42
    /// });
    /// assert_eq!(answer, 42);
    /// ```
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        let mut output = None;
        self.0.drive(pin!(async { output = Some(future.await) }));
        output.expect("a runtime drives a future to its end")
    }

    /// Reads the runtime's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Returns the time `duration` from now, or `None` if that is further away than the clock can count, which means
    /// *no deadline*. `Duration::MAX` always gives `None`.
    #[must_use]
    pub fn deadline_after(&self, duration: Duration) -> Option<Instant> {
        if duration >= NEVER {
            None
        } else {
            self.now().checked_add(duration)
        }
    }

    /// Returns a future that completes `duration` from now.
    ///
    /// The time starts at this call, not at the first poll. `Duration::MAX` never completes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future removes its timer; nothing is lost.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        match self.deadline_after(duration) {
            Some(deadline) => Sleep::until(self.0.sleep_until(deadline)),
            None => Sleep::never(),
        }
    }

    /// Returns a future that completes once [`now`](Self::now) has reached `deadline`.
    ///
    /// A deadline in the past completes at the first poll; one centuries away never completes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future removes its timer; nothing is lost.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        if deadline.saturating_duration_since(self.now()) >= NEVER {
            Sleep::never()
        } else {
            Sleep::until(self.0.sleep_until(deadline))
        }
    }
}

impl<R: Runtime> From<R> for Rt {
    fn from(runtime: R) -> Self {
        Self::new(runtime)
    }
}

impl fmt::Debug for Rt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rt").field(&self.0).finish()
    }
}

/// Where the [`Rt::spawn`] or [`Rt::unblock`] call stands that the runtime is serving right now.
///
/// For a [`Runtime`] that wants to name its tasks: it is `Some` while `Runtime::spawn` or `Runtime::spawn_blocking`
/// is called through an [`Rt`].
#[must_use]
pub fn spawn_location() -> Option<&'static Location<'static>> {
    LOCATION.get()
}

fn at_location(location: &'static Location<'static>, call: impl FnOnce()) {
    struct Restore(Option<&'static Location<'static>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LOCATION.set(self.0);
        }
    }
    let _restore = Restore(LOCATION.replace(Some(location)));
    call();
}

thread_local! {
    static LOCATION: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// A century: timers of the runtimes overflow somewhere beyond it, and no program waits that long.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
