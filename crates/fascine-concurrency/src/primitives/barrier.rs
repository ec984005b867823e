use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::primitives::ticket::Ticket;
use crate::primitives::waiters::{Waiters, poll_place};
use crate::primitives::wakers::Wakers;
use crate::sync::{Mutex, const_fn, lock};

/// Lets so many tasks wait for each other, again and again.
///
/// The last one to arrive is the leader of its round, and the barrier is ready for the next round at once: those of the
/// round before need not have been polled. One that is dropped while it waits has not arrived.
///
/// To wait until tasks have ended, use [`gather`](crate::gather) or a [`TaskGroup`](crate::TaskGroup): a task that
/// fails before it arrives leaves the others of a barrier waiting.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Barrier, gather};
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let barrier = Barrier::new(NonZeroUsize::new(3).unwrap());
/// let arrive = || async { Ok::<_, ()>(barrier.wait().await.is_leader()) };
/// let leaders = gather([arrive(), arrive(), arrive()]).await.unwrap();
/// assert_eq!(leaders, [false, false, true]);
/// # });
/// ```
pub struct Barrier {
    participants: NonZeroUsize,
    /// Fewer than `participants`: the last one to arrive takes them all.
    waiters: Mutex<Waiters<(), ()>>,
}

impl Barrier {
    const_fn! {
        /// Makes a barrier for so many.
        #[must_use]
        pub const fn new(participants: NonZeroUsize) -> Self {
            Self {
                participants,
                waiters: Mutex::new(Waiters::new()),
            }
        }
    }

    /// Waits until all of them wait; it arrives when the future is polled first.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the last one arrives takes the arrival back. After that nothing is lost: the others
    /// go on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Barrier;
    /// # use std::num::NonZeroUsize;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// static ALONE: Barrier = Barrier::new(NonZeroUsize::MIN);
    /// assert!(ALONE.wait().await.is_leader());
    /// # });
    /// ```
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait {
            barrier: self,
            ticket: Ticket::Start,
        }
    }

    /// Returns how many it lets wait for each other.
    #[must_use]
    pub const fn participants(&self) -> NonZeroUsize {
        self.participants
    }

    /// Returns how many have arrived and wait for the others.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.waiters).len()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("participants", &self.participants)
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// What [`Barrier::wait`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// Returns whether this one was the last to arrive; there is one leader in each round.
    #[must_use]
    pub const fn is_leader(&self) -> bool {
        self.is_leader
    }
}

/// The future of [`Barrier::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    ticket: Ticket,
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { barrier, ticket } = &mut *self;
        let is_leader = match *ticket {
            Ticket::Start => {
                let waker = cx.waker().clone();
                let mut wakers = Wakers::default();
                let mut waiters = lock(&barrier.waiters);
                if waiters.len() + 1 < barrier.participants.get() {
                    *ticket = Ticket::Waits(waiters.join((), waker));
                    return Poll::Pending;
                }
                while let Ok(((), waker)) = waiters.grant_first(()) {
                    wakers.push(waker);
                }
                drop(waiters);
                // Ended first: a waker that panics must not make it arrive once more.
                *ticket = Ticket::Ended;
                wakers.wake();
                true
            }
            Ticket::Waits(place) => {
                match poll_place(&barrier.waiters, |waiters| waiters, place, cx) {
                    Poll::Ready(()) => false,
                    Poll::Pending => return Poll::Pending,
                }
            }
            Ticket::Ended => panic!("`Barrier::wait` was polled after it had ended"),
        };
        *ticket = Ticket::Ended;
        Poll::Ready(BarrierWaitResult { is_leader })
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        if let Ticket::Waits(place) = self.ticket {
            // The waker goes after the lock.
            let left = lock(&self.barrier.waiters).leave(place);
            drop(left);
        }
    }
}
