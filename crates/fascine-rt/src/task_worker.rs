use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::enter_task;
use crate::task::Shared;
use crate::{JoinError, Panic};

pin_project! {
    /// The runtime's side of a task: runs the future, never unwinds, and always publishes how it ended.
    pub(crate) struct Worker<F: Future> {
        #[pin]
        future: Option<F>,
        shared: Arc<Shared<F::Output>>,
    }

    impl<F: Future> PinnedDrop for Worker<F> {
        // A runtime that shuts down drops its futures: whoever waits for one must hear of it.
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() {
                this.finish(Err(JoinError::Cancelled));
            }
        }
    }
}

impl<F: Future> Worker<F> {
    pub(crate) fn new(future: F, shared: Arc<Shared<F::Output>>) -> Self {
        Self {
            future: Some(future),
            shared,
        }
    }

    /// Drops the future, then publishes `outcome`: whoever sees the outcome knows that the future is gone.
    fn finish(self: Pin<&mut Self>, outcome: Result<F::Output, JoinError>) {
        let mut this = self.project();
        let dropped = {
            let _polling = enter_task();
            catch_unwind(AssertUnwindSafe(|| this.future.set(None)))
        };
        this.shared.end(match dropped {
            Ok(()) => outcome,
            Err(payload) => Err(JoinError::Panicked(Panic::new(payload))),
        });
    }
}

impl<F: Future> Future for Worker<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_mut().project();
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Ready(());
        };
        if this.shared.is_cancelled_or_register(cx.waker()) {
            self.finish(Err(JoinError::Cancelled));
            return Poll::Ready(());
        }
        let polled = {
            let _polling = enter_task();
            catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
        };
        match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => self.finish(Ok(output)),
            Err(payload) => self.finish(Err(JoinError::Panicked(Panic::new(payload)))),
        }
        Poll::Ready(())
    }
}
