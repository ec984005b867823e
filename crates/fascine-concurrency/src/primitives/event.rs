use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::primitives::ticket::Ticket;
use crate::primitives::waiters::{Waiters, poll_place};
use crate::primitives::wakers::Wakers;
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{Mutex, const_fn, lock};

#[cfg(all(test, loom))]
mod model;

/// Something that happens once, and that any number of tasks wait for.
///
/// [`set`](Self::set) wakes all that wait, in the order in which they came; whoever waits later does not wait at all.
/// It cannot be unset: use a new one for the next time, or a [`Condition`](crate::Condition) for something that changes
/// back and forth. What was done before `set` is seen by those that were woken by it.
///
/// To hand over a value, use a [`OnceCell`](crate::OnceCell), or a [`Queue`](crate::Queue) for several.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::Event;
/// # use std::sync::Arc;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let ready = Arc::new(Event::new());
/// let server = rt.spawn({
///     let ready = Arc::clone(&ready);
///     async move { ready.set() }
/// });
/// ready.wait().await;
/// assert!(ready.is_set());
/// # server.await.unwrap();
/// # });
/// ```
pub struct Event {
    /// Changes under the lock alone.
    set: AtomicBool,
    waiters: Mutex<Waiters<(), ()>>,
}

impl Event {
    const_fn! {
        /// Makes an event that has not happened.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                set: AtomicBool::new(false),
                waiters: Mutex::new(Waiters::new()),
            }
        }
    }

    /// Lets it happen; returns whether this call did.
    pub fn set(&self) -> bool {
        let mut wakers = Wakers::default();
        let mut waiters = lock(&self.waiters);
        let first = !self.set.swap(true, Release);
        while let Ok(((), waker)) = waiters.grant_first(()) {
            wakers.push(waker);
        }
        drop(waiters);
        wakers.wake();
        first
    }

    /// Returns whether it has happened.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.set.load(Acquire)
    }

    /// Waits until it has happened.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing but the wait.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Event;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// static STOPPED: Event = Event::new();
    ///
    /// STOPPED.set();
    /// STOPPED.wait().await;
    /// # });
    /// ```
    #[inline]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait {
            event: self,
            ticket: Ticket::Start,
        }
    }

    /// Returns how many futures wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.waiters).len()
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("is_set", &self.is_set())
            .field("waiting", &self.waiting())
            .finish()
    }
}

/// The future of [`Event::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    ticket: Ticket,
}

impl EventWait<'_> {
    fn poll_slow(&mut self, cx: &Context<'_>) -> Poll<()> {
        match self.ticket {
            Ticket::Start => {
                let waker = cx.waker().clone();
                let mut waiters = lock(&self.event.waiters);
                if !self.event.set.load(Relaxed) {
                    self.ticket = Ticket::Waits(waiters.join((), waker));
                    return Poll::Pending;
                }
                Poll::Ready(())
            }
            Ticket::Waits(place) => poll_place(&self.event.waiters, |waiters| waiters, place, cx),
            Ticket::Ended => panic!("`Event::wait` was polled after it had ended"),
        }
    }
}

impl Future for EventWait<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let is_over = match self.ticket {
            Ticket::Start => self.event.is_set(),
            Ticket::Waits(_) | Ticket::Ended => false,
        };
        if is_over || self.poll_slow(cx).is_ready() {
            self.ticket = Ticket::Ended;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for EventWait<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Ticket::Waits(place) = self.ticket {
            // The waker goes after the lock.
            let left = lock(&self.event.waiters).leave(place);
            drop(left);
        }
    }
}
