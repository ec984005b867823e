use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use async_executor::Executor;

use crate::alarm;
use crate::{BoxFuture, Runtime, enter_block_on};

/// An [`async_executor::Executor`] that the host program owns and drives.
///
/// Tasks run only while the host runs the executor, on whichever threads it does that: `executor.run(..)` on a thread
/// of its own, or `executor.try_tick()` once a frame. Timers come from async-io, whose own thread wakes the tasks.
/// Blocking work goes to the thread pool of the `blocking` crate.
///
/// Tasks end when the executor is dropped, so a task that itself owns an [`Rt`](crate::Rt) of this executor keeps the
/// executor alive: cancel such tasks (drop their [`Task`](crate::Task)s) before letting it go.
#[derive(Clone, Debug)]
pub struct Embedded {
    executor: Arc<Executor<'static>>,
}

impl Embedded {
    /// Wraps an executor that somebody else drives.
    #[must_use]
    pub fn new(executor: Arc<Executor<'static>>) -> Self {
        Self { executor }
    }

    /// Drives the executor on this thread until `future` ends.
    ///
    /// # Panics
    ///
    /// When called from async code.
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        async_io::block_on(self.executor.run(future))
    }

    /// Runs `future` in the background; whoever passes it knows what ends it.
    pub(crate) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(future).detach();
    }
}

impl Runtime for Embedded {
    fn spawn(&self, future: BoxFuture<()>) {
        self.run(future);
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(alarm::until(deadline))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        blocking::unblock(work).detach();
    }

    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        async_io::block_on(self.executor.run(future));
    }
}
