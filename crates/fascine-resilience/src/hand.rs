//! What a model needs: a clock that moves whenever it is read, timers that never fire, somebody who waits.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use fascine_rt::{BoxFuture, Rt, Runtime};

#[derive(Debug)]
struct Hand {
    start: Instant,
    read: AtomicU64,
}

impl Runtime for Hand {
    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("nothing is spawned")
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.read.fetch_add(1, SeqCst))
    }

    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) {
        unreachable!("nothing blocks")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "std offers no other origin for an Instant"
)]
pub(crate) fn rt() -> Rt {
    Rt::new(Hand {
        start: Instant::now(),
        read: AtomicU64::new(0),
    })
}

/// Somebody who waits.
pub(crate) struct Task<T> {
    future: BoxFuture<T>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl<T> Task<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
            woken: Arc::new(Woken(AtomicBool::new(false))),
        }
    }

    /// One that waits already.
    #[cfg(loom)]
    pub(crate) fn waiting(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_pending());
        task
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls again as an executor would: only if it was woken.
    #[cfg(loom)]
    #[track_caller]
    pub(crate) fn end(mut self) -> T {
        loop {
            assert!(self.woken.0.swap(false, SeqCst), "it sleeps on");
            if let Poll::Ready(output) = self.poll() {
                return output;
            }
        }
    }
}
