use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

/// Marks this thread as driving async code until the returned guard is dropped.
///
/// Every adapter's `block_on` begins with it. A runtime of your own should do the same, so that a `block_on` inside
/// async code, which would stall the executor and often deadlock, is refused on the spot.
///
/// # Panics
///
/// If this thread is already inside a `block_on` or is polling a task.
#[track_caller]
#[must_use = "the thread counts as driving async code only while the guard lives"]
pub fn enter_block_on() -> EnteredBlockOn {
    assert!(
        !POLLING.get(),
        "block_on was called from async code on this thread, where it would stall the executor: \
         await the future instead, or move the blocking call into Rt::unblock"
    );
    EnteredBlockOn {
        _polling: enter_task(),
    }
}

/// A guard made by [`enter_block_on`].
#[derive(Debug)]
pub struct EnteredBlockOn {
    _polling: EnteredTask,
}

/// Marks this thread as polling a task until the returned guard is dropped; nests.
///
/// For futures that go to [`Rt::spawn_unjoined`](crate::Rt::spawn_unjoined): a `block_on` inside them is refused then, as it
/// is in every task.
#[must_use = "the thread counts as polling a task only while the guard lives"]
pub fn enter_task() -> EnteredTask {
    EnteredTask {
        before: POLLING.replace(true),
    }
}

/// A guard made by [`enter_task`].
#[derive(Debug)]
pub struct EnteredTask {
    before: bool,
}

impl Drop for EnteredTask {
    fn drop(&mut self) {
        POLLING.set(self.before);
    }
}

thread_local! {
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Polls `future` on this thread until it ends, and parks the thread in between.
pub(crate) fn park_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
