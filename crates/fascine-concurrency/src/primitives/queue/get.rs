use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::{GetError, Queue};
use crate::primitives::ticket::Ticket;
use crate::primitives::waiters::poll_place;
use crate::primitives::wakers::Wakers;
use crate::sync::lock;

/// The future of [`Queue::get`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Get<'a, T> {
    queue: &'a Queue<T>,
    ticket: Ticket,
}

impl<'a, T> Get<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self {
            queue,
            ticket: Ticket::Start,
        }
    }

    fn poll_start(&mut self, cx: &Context<'_>) -> Poll<Result<T, GetError>> {
        match self.queue.try_get() {
            Err(GetError::Empty) => {}
            ended => return Poll::Ready(ended),
        }
        let waker = cx.waker().clone();
        let mut wakers = Wakers::default();
        let mut state = lock(&self.queue.state);
        match state.get(&mut wakers) {
            Err(GetError::Empty) => {
                self.ticket = Ticket::Waits(state.join_getters(waker));
                Poll::Pending
            }
            ended => {
                drop(state);
                wakers.wake();
                Poll::Ready(ended)
            }
        }
    }
}

impl<T> Future for Get<'_, T> {
    type Output = Result<T, GetError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = match self.ticket {
            Ticket::Start => ready!(self.poll_start(cx)),
            Ticket::Waits(place) => {
                let getters = &self.queue.state;
                let item = ready!(poll_place(getters, |state| &mut state.getters, place, cx));
                item.ok_or(GetError::Closed)
            }
            Ticket::Ended => panic!("`Queue::get` was polled after it had ended"),
        };
        self.ticket = Ticket::Ended;
        Poll::Ready(ended)
    }
}

impl<T> Drop for Get<'_, T> {
    fn drop(&mut self) {
        if let Ticket::Waits(place) = self.ticket {
            let mut wakers = Wakers::default();
            let mut state = lock(&self.queue.state);
            let left = state.getter_leaves(place, &mut wakers);
            drop(state);
            wakers.wake();
            drop(left);
        }
    }
}

impl<T> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

/// The items of a queue as a stream, made by [`Queue::items`].
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Items<'a, T> {
    /// Kept between two polls, with its place in the queue; `None` once the queue is closed and empty.
    get: Option<Get<'a, T>>,
}

impl<'a, T> Items<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self {
            get: Some(Get::new(queue)),
        }
    }
}

impl<T> Stream for Items<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(get) = &mut self.get else {
            return Poll::Ready(None);
        };
        let queue = get.queue;
        match ready!(Pin::new(get).poll(cx)) {
            Ok(item) => {
                self.get = Some(Get::new(queue));
                Poll::Ready(Some(item))
            }
            Err(_) => {
                self.get = None;
                Poll::Ready(None)
            }
        }
    }
}

impl<T> FusedStream for Items<'_, T> {
    fn is_terminated(&self) -> bool {
        self.get.is_none()
    }
}
