use std::task::{Context, Poll};

use crate::primitives::wait_queue::{Closed, Joined, WaitQueue};
use crate::primitives::waiters::Place;

/// How far a future that takes permits has come; the part that all of them share.
///
/// How many permits it wants stays outside: a lock knows, and each word that is stored costs when it is uncontended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ticket {
    Start,
    Waits(Place),
    Ended,
}

impl Ticket {
    #[inline]
    pub(crate) fn poll(
        &mut self,
        queue: &WaitQueue,
        wanted: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        if let Self::Start = self
            && queue.try_take(wanted).is_ok()
        {
            *self = Self::Ended;
            return Poll::Ready(Ok(()));
        }
        self.poll_slow(queue, wanted, cx)
    }

    /// As [`poll`](Self::poll), for a queue with one permit that is never closed.
    #[inline]
    pub(crate) fn poll_only(&mut self, queue: &WaitQueue, cx: &Context<'_>) -> Poll<()> {
        if let Self::Start = self
            && queue.try_take_only()
        {
            *self = Self::Ended;
            return Poll::Ready(());
        }
        self.poll_slow(queue, 1, cx)
            .map(|taken| debug_assert_eq!(taken, Ok(())))
    }

    #[cold]
    #[inline(never)]
    fn poll_slow(
        &mut self,
        queue: &WaitQueue,
        wanted: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        let polled = match *self {
            Self::Start => match queue.join(wanted, cx.waker()) {
                Joined::Taken => Poll::Ready(Ok(())),
                Joined::Closed => Poll::Ready(Err(Closed)),
                Joined::Waits(place) => {
                    *self = Self::Waits(place);
                    return Poll::Pending;
                }
            },
            Self::Waits(place) => queue.poll_joined(place, cx),
            Self::Ended => panic!("a future that takes a permit was polled after it had ended"),
        };
        if polled.is_ready() {
            *self = Self::Ended;
        }
        polled
    }

    /// Gives up the place in the queue; for a future that is dropped.
    #[inline]
    pub(crate) fn give_up(&mut self, queue: &WaitQueue, wanted: usize) {
        if let Self::Waits(place) = *self {
            *self = Self::Ended;
            queue.leave(place, wanted);
        }
    }
}
