use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use fascine_rt::{BoxFuture, Runtime};

use crate::clock::TimerKey;
use crate::executor::{Executor, Item};
use crate::test_runtime::run_main;

/// The seam's view of the executor. Weak, because tasks own it: the [`TestRuntime`](crate::TestRuntime) alone decides
/// how long they live.
pub(crate) struct Handle {
    executor: Weak<Executor>,
    /// What the clock says once the runtime is gone.
    origin: Instant,
}

impl Handle {
    pub(crate) fn new(executor: &Arc<Executor>) -> Self {
        Self {
            executor: Arc::downgrade(executor),
            origin: executor.now(),
        }
    }
}

impl Runtime for Handle {
    fn spawn(&self, future: BoxFuture<()>) {
        if let Some(executor) = self.executor.upgrade() {
            executor.spawn(future);
        }
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(Timer {
            executor: Weak::clone(&self.executor),
            deadline,
            key: None,
        })
    }

    fn now(&self) -> Instant {
        self.executor
            .upgrade()
            .map_or(self.origin, |executor| executor.now())
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        if let Some(executor) = self.executor.upgrade() {
            executor.push(Item::Blocking(work));
        }
    }

    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        match self.executor.upgrade() {
            Some(executor) if !executor.has_main() => {
                run_main(&executor, Location::caller(), future);
            }
            // Another thread runs it, which wakes this one.
            _ => futures_lite::future::block_on(future),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntime").finish_non_exhaustive()
    }
}

struct Timer {
    executor: Weak<Executor>,
    deadline: Instant,
    key: Option<TimerKey>,
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A timer of a runtime that is gone never fires.
        let Some(executor) = self.executor.upgrade() else {
            return Poll::Pending;
        };
        let deadline = self.deadline;
        executor.poll_timer(&mut self.key, deadline, cx)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let (Some(key), Some(executor)) = (self.key, self.executor.upgrade()) {
            executor.disarm(key);
        }
    }
}
