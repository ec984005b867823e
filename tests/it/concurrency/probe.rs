//! Futures that say what happens to them.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Counts polls, and what is alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    pub(crate) polls: Rc<Cell<usize>>,
    pub(crate) alive: Rc<Cell<usize>>,
    pub(crate) most_alive: Rc<Cell<usize>>,
}

impl Probe {
    pub(crate) fn watch<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        self.alive.set(self.alive.get() + 1);
        self.most_alive
            .set(self.most_alive.get().max(self.alive.get()));
        let (polls, alive) = (Rc::clone(&self.polls), Alive(Rc::clone(&self.alive)));
        let mut future = Box::pin(future);
        poll_fn(move |cx| {
            let _ = &alive;
            polls.set(polls.get() + 1);
            future.as_mut().poll(cx)
        })
    }
}

struct Alive(Rc<Cell<usize>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A future that waits until it is opened from outside.
#[derive(Clone, Default)]
pub(crate) struct Gate(Rc<Cell<Option<Waker>>>, Rc<Cell<bool>>);

impl Gate {
    pub(crate) fn open(&self) {
        self.1.set(true);
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.set(Some(cx.waker().clone()));
        if self.1.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
