//! What a model needs: a clock that moves whenever it is read, timers that never fire, somebody who waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use fascine_rt::{BoxFuture, Rt, Runtime};

use crate::{Acquire, LimitError, Quota, RateLimiter, Reservation};

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

/// A limiter of one quota whose window does not end.
#[expect(
    clippy::disallowed_methods,
    reason = "std offers no other origin for an Instant"
)]
pub(super) fn limiter(limit: u64) -> RateLimiter {
    let rt = Rt::new(Hand {
        start: Instant::now(),
        read: AtomicU64::new(0),
    });
    let quota = Quota::new("x", limit, Duration::from_secs(3600)).expect("it makes sense");
    RateLimiter::new(&rt, [quota]).expect("there is one")
}

/// Somebody who waits.
pub(super) struct Task {
    acquire: Pin<Box<Acquire>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Task {
    pub(super) fn wants(limiter: &RateLimiter, amount: u64) -> Self {
        Self {
            acquire: Box::pin(limiter.acquire(&[("x", amount)])),
            woken: Arc::new(Woken(AtomicBool::new(false))),
        }
    }

    /// One that waits already.
    #[cfg(loom)]
    pub(super) fn waiting(limiter: &RateLimiter, amount: u64) -> Self {
        let mut task = Self::wants(limiter, amount);
        assert!(task.poll().is_pending());
        task
    }

    pub(super) fn poll(&mut self) -> Poll<Result<Reservation, LimitError>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.acquire.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls again as an executor would: only if it was woken.
    #[cfg(loom)]
    #[track_caller]
    pub(super) fn end(mut self) -> Reservation {
        loop {
            assert!(self.woken.0.swap(false, SeqCst), "it sleeps on");
            if let Poll::Ready(granted) = self.poll() {
                return granted.expect("it fits");
            }
        }
    }
}
