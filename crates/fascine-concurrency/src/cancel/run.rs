use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_rt::BoxFuture;
use pin_project_lite::pin_project;

use crate::cancel::cleanup::Cleanup;
use crate::cancel::node::Node;
use crate::cancel::place::Place;
use crate::cancel::scoped::{Ended, Parent, Scoped};
use crate::{CancelReason, Cancelled};

pin_project! {
    /// The future of [`CancelScope::run`](crate::CancelScope::run).
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Run<F: Future> {
        #[pin]
        body: Scoped<F>,
        node: Arc<Node>,
        cleanup: Arc<Cleanup>,
        // Set once the body is gone: what is left is clean-up.
        outcome: Option<Outcome<F::Output>>,
        cleaning: Option<Pin<Box<Scoped<BoxFuture<()>>>>>,
    }

    impl<F: Future> PinnedDrop for Run<F> {
        fn drop(this: Pin<&mut Self>) {
            this.cleanup.close();
        }
    }
}

/// How the body ended.
enum Outcome<T> {
    Done(T),
    Cancelled(CancelReason),
    /// A scope further out was cancelled, which is about to drop this one.
    Outer,
    Panicked(Box<dyn Any + Send>),
}

impl<F: Future> Run<F> {
    pub(crate) fn new(node: Arc<Node>, cleanup: Arc<Cleanup>, future: F) -> Self {
        Self {
            body: Scoped::with_node(Arc::clone(&node), Some(Arc::clone(&cleanup)), future),
            node,
            cleanup,
            outcome: None,
            cleaning: None,
        }
    }

    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let this = self.project();
        let mut body = this.body;
        let fresh = || Place::of(Arc::clone(this.node));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            body.as_mut().poll(cx, Parent::Ambient, fresh)
        }));
        Poll::Ready(match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => Outcome::Done(output),
            Ok(Poll::Ready(Err(Ended::Cancelled(reason)))) => Outcome::Cancelled(reason),
            Ok(Poll::Ready(Err(Ended::Outer))) => Outcome::Outer,
            Err(payload) => {
                // The clean-up may rely on what the body held being gone; a second panic on the way is not the cause.
                let _ = catch_unwind(AssertUnwindSafe(|| body.drop_future(false)));
                Outcome::Panicked(payload)
            }
        })
    }

    /// Does all clean-up; a panic in it does not keep the rest from being done.
    fn poll_cleanup(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        loop {
            // The time of grace may be set, or shortened, while this is going on.
            this.node.set_task(Some(cx.waker().clone()));
            let deadline = this.node.cleanup_deadline();
            let cleaning = match this.cleaning {
                Some(cleaning) => {
                    if let Some(node) = cleaning.node() {
                        node.set_deadline(deadline);
                    }
                    cleaning
                }
                None => {
                    let Some(next) = this.cleanup.pop() else {
                        this.node.set_task(None);
                        return Poll::Ready(());
                    };
                    let node = Node::new(None, this.node.rt().cloned(), deadline, true);
                    this.cleaning
                        .insert(Box::pin(Scoped::with_node(node, None, next)))
                }
            };
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let fresh = || Place::of(Arc::clone(this.node));
                cleaning
                    .as_mut()
                    .poll(cx, Parent::Ambient, fresh)
                    .is_ready()
            }));
            match polled {
                Ok(false) => return Poll::Pending,
                Ok(true) => {}
                Err(payload) => {
                    if !matches!(this.outcome, Some(Outcome::Panicked(_))) {
                        *this.outcome = Some(Outcome::Panicked(payload));
                    }
                }
            }
            *this.cleaning = None;
        }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.outcome.is_none() {
            let outcome = ready!(self.as_mut().poll_body(cx));
            *self.as_mut().project().outcome = Some(outcome);
        }
        ready!(self.as_mut().poll_cleanup(cx));
        let mut this = self.project();
        this.body.as_mut().release();
        let abandoned = this.node.abandoned();
        match this.outcome.take() {
            Some(Outcome::Done(output)) => Poll::Ready(Ok(output)),
            Some(Outcome::Cancelled(reason)) => Poll::Ready(Err(Cancelled::new(reason, abandoned))),
            Some(Outcome::Panicked(payload)) => resume_unwind(payload),
            Some(Outcome::Outer) | None => {
                if this.node.is_cancelled_above() {
                    *this.outcome = Some(Outcome::Outer);
                    return Poll::Pending;
                }
                // It was moved out of the scope that ended it, and nobody else will.
                let reason = this.node.cancel_reason();
                let reason = reason.unwrap_or(CancelReason::Requested(None));
                Poll::Ready(Err(Cancelled::new(reason, abandoned)))
            }
        }
    }
}

impl<F: Future> fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("body", &self.body)
            .field("cleanup", &self.cleanup)
            .finish_non_exhaustive()
    }
}
