use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::state::{Loan, Wish};
use super::{CapacityError, CapacityGuard, CapacityLimiter};
use crate::primitives::ticket::Ticket;
use crate::primitives::waiters::poll_place;
use crate::primitives::wakers::Wakers;
use crate::sync::lock;

/// Waits for tokens; behind every form of `acquire`.
pub(super) struct Borrow<'a> {
    limiter: &'a CapacityLimiter,
    wish: Wish,
    ticket: Ticket,
}

impl<'a> Borrow<'a> {
    pub(super) fn new(limiter: &'a CapacityLimiter, wish: Wish) -> Self {
        Self {
            limiter,
            wish,
            ticket: Ticket::Start,
        }
    }

    fn poll_start(&mut self, cx: &Context<'_>) -> Poll<Result<Loan, CapacityError>> {
        match lock(&self.limiter.state).borrow(self.wish) {
            Err(CapacityError::Unavailable) => {}
            ended => return Poll::Ready(ended),
        }
        // Cloning runs foreign code: not under the lock.
        let waker = cx.waker().clone();
        let mut state = lock(&self.limiter.state);
        match state.borrow(self.wish) {
            Err(CapacityError::Unavailable) => {
                self.ticket = Ticket::Waits(state.join(self.wish, waker));
                Poll::Pending
            }
            ended => Poll::Ready(ended),
        }
    }
}

impl<'a> Future for Borrow<'a> {
    type Output = Result<CapacityGuard<'a>, CapacityError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = match self.ticket {
            Ticket::Start => ready!(self.poll_start(cx)),
            Ticket::Waits(place) => {
                let state = &self.limiter.state;
                Ok(ready!(poll_place(
                    state,
                    |state| &mut state.waiters,
                    place,
                    cx
                )))
            }
            Ticket::Ended => unreachable!("it is awaited, by an async function"),
        };
        self.ticket = Ticket::Ended;
        Poll::Ready(ended.map(|loan| CapacityGuard::new(self.limiter, loan)))
    }
}

impl Drop for Borrow<'_> {
    fn drop(&mut self) {
        if let Ticket::Waits(place) = self.ticket {
            let mut wakers = Wakers::default();
            let left = lock(&self.limiter.state).leave(place, &mut wakers);
            wakers.wake();
            drop(left);
        }
    }
}
