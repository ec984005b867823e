//! A thread-per-task runtime for the examples in this crate's documentation, where no adapter may be assumed.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::thread;
use std::time::Instant;

use crate::block_on::park_on;
use crate::{BoxFuture, Runtime, enter_block_on};

/// Runs each task and each timer on a thread of its own.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Threads {
    /// Runs `future` on this thread until it ends.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        park_on(future)
    }
}

impl Runtime for Threads {
    fn spawn(&self, future: BoxFuture<()>) {
        thread::spawn(|| park_on(future));
    }

    #[expect(clippy::disallowed_methods, reason = "this is a runtime")]
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(poll_fn(move |cx| {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread::spawn(move || {
                thread::sleep(left);
                waker.wake();
            });
            Poll::Pending
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "this is a runtime")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        thread::spawn(work);
    }
}
