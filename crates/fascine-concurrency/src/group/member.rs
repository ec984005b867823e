use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_rt::{Panic, enter_task};
use pin_project_lite::pin_project;

use crate::CancelReason;
use crate::cancel::{Node, Parent, Place, Scoped};
use crate::group::results::Report;
use crate::group::shared::{Key, Shared};

/// How a child ended.
pub(crate) enum End<O> {
    Cancelled,
    Output(O),
    Panicked(Panic),
}

/// Whoever wants to know how a child ended, besides its group.
pub(crate) trait Sink<O, T, E> {
    /// Takes what is its own, and leaves the group its part. It is called once.
    fn take(&self, end: End<O>) -> Report<T, E>;
}

pin_project! {
    /// A child of a group, 24 bytes more than its future: never unwinds, and always reports how it ended, also when its runtime drops it.
    pub(crate) struct Member<F, S, T, E>
    where
        F: Future,
        S: Sink<F::Output, T, E>,
        T: Send,
        T: 'static,
        E: Send,
        E: 'static,
    {
        #[pin]
        scoped: Scoped<F>,
        // `None` once it has reported.
        shared: Option<Arc<Shared<T, E>>>,
        number: u32,
        // `NONE` before it had to wait: it has not begun, or is being polled for the first time.
        key: Key,
        sink: S,
    }

    impl<F, S, T, E> PinnedDrop for Member<F, S, T, E>
    where
        F: Future,
        S: Sink<F::Output, T, E>,
        T: Send,
        T: 'static,
        E: Send,
        E: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            this.report(End::Cancelled);
        }
    }
}

impl<F, S, T, E> Member<F, S, T, E>
where
    F: Future,
    S: Sink<F::Output, T, E>,
    T: Send + 'static,
    E: Send + 'static,
{
    /// Makes a child; with a `node` if somebody else has to know its scope from the beginning.
    pub(crate) fn new(
        shared: &Arc<Shared<T, E>>,
        number: u32,
        node: Option<Arc<Node>>,
        future: F,
        sink: S,
    ) -> Self {
        let scoped = match node {
            Some(node) => Scoped::with_node(node, None, future),
            None => Scoped::new(future),
        };
        Self {
            scoped,
            shared: Some(Arc::clone(shared)),
            number,
            key: Key::NONE,
            sink,
        }
    }

    /// Drops the future, then reports: whoever hears of the end knows that the future is gone.
    fn report(self: Pin<&mut Self>, end: End<F::Output>) {
        let mut this = self.project();
        let Some(shared) = this.shared.take() else {
            return;
        };
        let end = if this.scoped.has_ended() {
            end
        } else {
            let drop = AssertUnwindSafe(|| this.scoped.as_mut().drop_future(false));
            match catch_unwind(drop) {
                Ok(()) => end,
                Err(payload) => End::Panicked(Panic::new(payload)),
            }
        };
        shared.leave(*this.key, *this.number, this.sink.take(end));
    }

    /// Polls the child, and makes it known to the group when it has to wait.
    fn poll_scoped(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End<F::Output>> {
        let mut this = self.project();
        let Some(shared) = this.shared else {
            return Poll::Pending;
        };
        if *this.key == Key::NONE && shared.is_cancelled() {
            return Poll::Ready(End::Cancelled); // It never begins.
        }
        loop {
            let fresh = || Place::below(shared.node());
            let polled = catch_unwind(AssertUnwindSafe(|| {
                this.scoped.as_mut().poll(cx, Parent::Given, fresh)
            }));
            match polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(Ok(output))) => return Poll::Ready(End::Output(output)),
                Ok(Poll::Ready(Err(_))) => return Poll::Ready(End::Cancelled),
                Err(payload) => return Poll::Ready(End::Panicked(Panic::new(payload))),
            }
            if *this.key != Key::NONE {
                return Poll::Pending;
            }
            let Some(node) = this.scoped.node() else {
                return Poll::Pending;
            };
            *this.key = shared.enter(node);
            if !shared.is_cancelled() || node.is_cancelled() {
                return Poll::Pending;
            }
            // The group was cancelled between the poll and now.
            node.cancel(CancelReason::Requested(None));
        }
    }
}

impl<F, S, T, E> Future for Member<F, S, T, E>
where
    F: Future,
    S: Sink<F::Output, T, E>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _polling = enter_task();
        if self.shared.is_none() {
            return Poll::Ready(());
        }
        match self.as_mut().poll_scoped(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(end) => {
                self.report(end);
                Poll::Ready(())
            }
        }
    }
}
