//! A waker that counts, for futures that are polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// How often somebody was woken.
#[derive(Debug, Default)]
pub(super) struct Wakes(AtomicUsize);

impl Wakes {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    pub(super) fn poll<F: Future + Unpin + ?Sized>(
        self: &Arc<Self>,
        future: &mut F,
    ) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        Pin::new(future).poll(&mut Context::from_waker(&waker))
    }

    /// All of them wait for what is held; once it is given back they have it one after the other.
    pub(super) fn check_turns<F: Future + Unpin>(
        self: &Arc<Self>,
        mut waits: [F; 8],
        held: impl Sized,
    ) {
        for one in &mut waits {
            assert!(self.poll(one).is_pending());
        }
        drop(held);
        for one in &mut waits {
            assert!(self.poll(one).is_ready());
        }
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A waker that runs foreign code in every way it can: when it is woken, and when it is dropped.
pub(super) struct Meddler<F: Fn() + Send + Sync + 'static>(pub(super) F);

impl<F: Fn() + Send + Sync + 'static> Wake for Meddler<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<F: Fn() + Send + Sync + 'static> Drop for Meddler<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Polls once with a waker of its own.
pub(super) fn poll_with<F: Future + Unpin>(
    future: &mut F,
    waker: Arc<impl Wake + Send + Sync + 'static>,
) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&Waker::from(waker)))
}
