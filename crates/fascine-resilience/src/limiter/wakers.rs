use std::task::Waker;

/// The wakers that were taken off a queue under its lock, to be woken once it is unlocked.
///
/// Waking runs foreign code, which may lock the same queue again. The first waker needs no memory: a hand-off to one
/// waiter, which is the common one, allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.others.push(waker);
        }
    }

    /// Wakes all of them, in order.
    ///
    /// A waker that panics keeps nobody behind it asleep: the panic goes on after the others.
    #[inline]
    pub(crate) fn wake(&mut self) {
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
