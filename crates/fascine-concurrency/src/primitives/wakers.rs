use std::task::Waker;

/// Collects the wakers that are taken off a queue under its lock, to be woken once it is unlocked.
///
/// Waking runs foreign code, which may lock the same queue again. The first waker needs no memory: a hand-off to one
/// waiter, which is the common one, allocates nothing.
///
/// It is for primitives of your own; those of this crate, and the limiters of `fascine-resilience`, are built with it.
/// Where somebody waits for one thing to happen, an [`Event`](crate::Event) is all that is needed.
///
/// # Examples
///
/// ```
/// use fascine_concurrency::Wakers;
/// use std::sync::Mutex;
/// use std::task::Waker;
///
/// let waiting = Mutex::new(vec![Waker::noop().clone()]);
/// let mut wakers = Wakers::default();
/// for waker in waiting.lock().unwrap().drain(..) {
///     wakers.push(waker);
/// }
/// // The lock is free by now: whoever is woken may take it.
/// wakers.wake();
/// ```
#[derive(Debug, Default)]
#[must_use = "whoever was taken off the queue sleeps on unless it is woken"]
pub struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    /// Adds a waker behind the others.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.others.push(waker);
        }
    }

    /// Wakes all of them, in order.
    ///
    /// It is empty then, and may be filled again.
    ///
    /// # Panics
    ///
    /// If a waker does; it keeps nobody behind it asleep: the panic goes on after the others.
    #[inline]
    pub fn wake(&mut self) {
        match self.first.take() {
            Some(first) if self.others.is_empty() => first.wake(),
            Some(first) => wake_all(first, std::mem::take(&mut self.others)),
            None => {}
        }
    }
}

#[cold]
fn wake_all(first: Waker, others: Vec<Waker>) {
    let mut others = Others(others.into_iter());
    first.wake();
    others.wake();
}

struct Others(std::vec::IntoIter<Waker>);

impl Others {
    fn wake(&mut self) {
        for waker in self.0.by_ref() {
            waker.wake();
        }
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.wake();
    }
}
