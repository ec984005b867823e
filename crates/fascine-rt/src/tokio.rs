use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::runtime::{self, Handle, TryCurrentError};
use tokio::time;

use crate::{BoxFuture, Runtime, enter_block_on};

/// A handle to a tokio runtime.
///
/// It enters the runtime for each call, so it works on any thread and under any executor, inside a tokio context or
/// not. The runtime needs its timer (`enable_time`, part of `enable_all`).
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
    /// Set by [`of`](Self::of). Weak, because a runtime whose last owner is one of its own tasks cannot be dropped.
    runtime: Weak<runtime::Runtime>,
}

impl Tokio {
    /// Wraps a handle to a runtime that somebody else owns.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            runtime: Weak::new(),
        }
    }

    /// Wraps a runtime that the caller keeps, so that [`block_on`](Self::block_on) can drive it even if it has only
    /// one thread.
    #[must_use]
    pub fn of(runtime: &Arc<runtime::Runtime>) -> Self {
        Self {
            handle: runtime.handle().clone(),
            runtime: Arc::downgrade(runtime),
        }
    }

    /// Wraps the runtime that this thread is in.
    ///
    /// # Panics
    ///
    /// Outside a tokio context; see [`try_current`](Self::try_current).
    #[track_caller]
    #[must_use]
    pub fn current() -> Self {
        Self::new(Handle::current())
    }

    /// Wraps the runtime that this thread is in.
    ///
    /// # Errors
    ///
    /// tokio's own error outside a tokio context.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::new)
    }

    /// Runs `future` on this thread until it ends.
    ///
    /// A current-thread runtime makes progress only while its owner drives it: wrap it with [`of`](Self::of), or call
    /// `block_on` of the `tokio::runtime::Runtime` itself.
    ///
    /// # Panics
    ///
    /// When called from async code.
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        match self.runtime.upgrade() {
            Some(runtime) => runtime.block_on(future),
            None => self.handle.block_on(future),
        }
    }

    /// Runs `future` in the background; whoever passes it knows what ends it.
    pub(crate) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(future)); // Dropping the handle detaches.
    }
}

impl Runtime for Tokio {
    fn spawn(&self, future: BoxFuture<()>) {
        self.run(future);
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        let _entered = self.handle.enter();
        Box::pin(time::sleep_until(deadline.into()))
    }

    fn now(&self) -> Instant {
        // Not std's clock: tokio's own can be paused by its test utilities.
        let _entered = self.handle.enter();
        time::Instant::now().into_std()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(self.handle.spawn_blocking(work));
    }

    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match self.runtime.upgrade() {
            Some(runtime) => runtime.block_on(future),
            None => self.handle.block_on(future),
        }
    }
}
