use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::ChildEnded;
use crate::outcome::Outcome;

/// A child of a [`scope`](crate::scope); awaiting it gives the child's output.
///
/// Dropping it does nothing: the child belongs to its scope. Whoever awaits it in the scope never sees a failure, for
/// that ends both of them; outside, [`ChildEnded::Cancelled`] says that there will be no output.
///
/// # Panics
///
/// When polled again after it gave the outcome.
///
/// # Cancel safety
///
/// To stop waiting without losing the output, await `&mut handle`.
#[derive(Debug)]
pub struct ScopedHandle<T>(Arc<Outcome<Result<T, ChildEnded>>>);

/// Makes a handle, and what a child gives its output to.
pub(super) fn handle<T>() -> (ScopedHandle<T>, Sender<T>) {
    let outcome = Arc::new(Outcome::new());
    (ScopedHandle(Arc::clone(&outcome)), Sender(outcome))
}

impl<T> Future for ScopedHandle<T> {
    type Output = Result<T, ChildEnded>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx.waker())
    }
}

/// Tells the handle that there will be no output if it is dropped without one.
pub(super) struct Sender<T>(Arc<Outcome<Result<T, ChildEnded>>>);

impl<T> Sender<T> {
    pub(super) fn send(self, output: T) {
        self.0.set(Ok(output));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.set(Err(ChildEnded::Cancelled));
    }
}
