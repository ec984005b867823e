use std::task::{Context, Poll};

use crate::wait_queue::{Closed, Joined, WaitQueue};
use crate::waiters::Place;

/// How far a future that takes permits has come; the part that all of them share.
#[derive(Debug)]
pub(crate) struct Ticket {
    wanted: usize,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Waits(Place),
    Ended,
}

impl Ticket {
    pub(crate) const fn new(wanted: usize) -> Self {
        Self {
            wanted,
            stage: Stage::Start,
        }
    }

    pub(crate) const fn wanted(&self) -> usize {
        self.wanted
    }

    #[inline]
    pub(crate) fn poll(&mut self, queue: &WaitQueue, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        if let Stage::Start = self.stage
            && queue.try_take(self.wanted).is_ok()
        {
            self.stage = Stage::Ended;
            return Poll::Ready(Ok(()));
        }
        self.poll_slow(queue, cx)
    }

    /// As [`poll`](Self::poll), for a queue with one permit that is never closed.
    #[inline]
    pub(crate) fn poll_only(&mut self, queue: &WaitQueue, cx: &Context<'_>) -> Poll<()> {
        if let Stage::Start = self.stage
            && queue.try_take_only()
        {
            self.stage = Stage::Ended;
            return Poll::Ready(());
        }
        self.poll_slow(queue, cx)
            .map(|taken| debug_assert_eq!(taken, Ok(())))
    }

    #[cold]
    #[inline(never)]
    fn poll_slow(&mut self, queue: &WaitQueue, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        let polled = match self.stage {
            Stage::Start => match queue.join(self.wanted, cx.waker()) {
                Joined::Taken => Poll::Ready(Ok(())),
                Joined::Closed => Poll::Ready(Err(Closed)),
                Joined::Waits(place) => {
                    self.stage = Stage::Waits(place);
                    return Poll::Pending;
                }
            },
            Stage::Waits(place) => queue.poll_joined(place, cx),
            Stage::Ended => panic!("a future that takes a permit was polled after it had ended"),
        };
        if polled.is_ready() {
            self.stage = Stage::Ended;
        }
        polled
    }

    /// Gives up the place in the queue; for a future that is dropped.
    #[inline]
    pub(crate) fn give_up(&mut self, queue: &WaitQueue) {
        if let Stage::Waits(place) = self.stage {
            self.stage = Stage::Ended;
            queue.leave(place, self.wanted);
        }
    }
}
