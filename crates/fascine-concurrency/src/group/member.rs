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
    /// Takes what is its own, and leaves the group its part.
    fn take(self, end: End<O>) -> Report<T, E>;
}

pin_project! {
    /// A child of a group: never unwinds, and always reports how it ended, also when its runtime drops it.
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
        shared: Arc<Shared<T, E>>,
        number: usize,
        // `None` once it has reported.
        sink: Option<S>,
        key: Key,
        started: bool,
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
        number: usize,
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
            shared: Arc::clone(shared),
            number,
            sink: Some(sink),
            key: Key::NONE,
            started: false,
        }
    }

    /// Drops the future, then reports: whoever hears of the end knows that the future is gone.
    fn report(self: Pin<&mut Self>, end: End<F::Output>) {
        let mut this = self.project();
        let Some(sink) = this.sink.take() else { return };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.scoped.as_mut().drop_future(false)));
        let end = match dropped {
            Ok(()) => end,
            Err(payload) => End::Panicked(Panic::new(payload)),
        };
        this.shared.leave(*this.key, *this.number, sink.take(end));
    }

    /// Polls the child, and makes it known to the group when it has to wait.
    fn poll_scoped(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End<F::Output>> {
        let mut this = self.project();
        loop {
            let fresh = || Place::below(this.shared.node());
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
            *this.key = this.shared.enter(node);
            if !this.shared.is_cancelled() || node.is_cancelled() {
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
        if self.sink.is_none() {
            return Poll::Ready(());
        }
        let end = if !self.started && self.shared.is_cancelled() {
            Poll::Ready(End::Cancelled)
        } else {
            *self.as_mut().project().started = true;
            self.as_mut().poll_scoped(cx)
        };
        match end {
            Poll::Pending => Poll::Pending,
            Poll::Ready(end) => {
                self.report(end);
                Poll::Ready(())
            }
        }
    }
}
