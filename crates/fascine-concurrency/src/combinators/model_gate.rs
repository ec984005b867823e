//! What models have in common.

#[cfg(loom)]
use std::future::Future;
#[cfg(loom)]
use std::pin::pin;
use std::sync::Arc;
#[cfg(loom)]
use std::task::Wake;
use std::task::{Context, Poll, Waker};

#[cfg(all(shuttle, not(loom)))]
pub(crate) use shuttle::future::block_on;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};

/// Waits until another thread opens it.
pub(crate) struct Gate {
    open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        *lock(&self.waker) = Some(cx.waker().clone());
        match self.open.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[cfg(loom)]
struct Parent(loom::sync::Notify);

#[cfg(loom)]
impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Runs a future; a wake that is lost leaves it waiting for ever, which the checker reports.
#[cfg(loom)]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let parent = Arc::new(Parent(loom::sync::Notify::new()));
    let waker = Waker::from(Arc::clone(&parent));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => parent.0.wait(),
        }
    }
}
