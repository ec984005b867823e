#![expect(
    unsafe_code,
    reason = "a reference into a value that a queue of waiters guards at run time"
)]

use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::primitives::lock::Lock;
use crate::primitives::ticket::Ticket;
use crate::primitives::wait_queue::WaitQueue;
use crate::sync::const_fn;

/// A value, and the queue with one permit whose holder may touch it.
///
/// The permit is taken, and given back, in this file alone: whoever has a [`Claim`] is the only one.
pub(crate) struct LockCell<T: ?Sized> {
    queue: WaitQueue,
    value: UnsafeCell<T>,
}

// SAFETY: A shared cell gives out the value to one holder of the permit at a time, on whatever thread that is: the value
// is sent, never shared. `queue` is `Sync` itself.
unsafe impl<T: ?Sized + Send> Sync for LockCell<T> {}

impl<T> LockCell<T> {
    const_fn! {
        pub(crate) const fn new(value: T) -> Self {
            Self {
                queue: WaitQueue::new(1),
                value: UnsafeCell::new(value),
            }
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> LockCell<T> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.glance().waiting
    }
}

/// Something that leads to a cell.
///
/// # Safety
///
/// It leads to the same cell every time, for as long as it lives, wherever it is moved.
pub(crate) unsafe trait Handle<T: ?Sized>: Clone + Unpin {
    fn cell(&self) -> &LockCell<T>;
}

// SAFETY: A reference points at one lock, and the cell is a field of it.
unsafe impl<T: ?Sized> Handle<T> for &Lock<T> {
    #[inline]
    fn cell(&self) -> &LockCell<T> {
        &self.cell
    }
}

// SAFETY: An `Arc` points at one lock, and the cell is a field of it.
unsafe impl<T: ?Sized> Handle<T> for Arc<Lock<T>> {
    #[inline]
    fn cell(&self) -> &LockCell<T> {
        &self.cell
    }
}

/// The permit of a cell, and so the right to its value.
///
/// A value that may be sent but not shared makes a guard that may be sent but not shared:
///
/// ```compile_fail,E0277
/// # use fascine_concurrency::Lock;
/// # use std::cell::Cell;
/// fn shared(_: &impl Sync) {}
/// shared(&Lock::new(Cell::new(1)).try_lock());
/// ```
///
/// One that may not be sent makes a lock that may not be shared:
///
/// ```compile_fail,E0277
/// # use fascine_concurrency::Lock;
/// # use std::rc::Rc;
/// fn shared(_: &impl Sync) {}
/// shared(&Lock::new(Rc::new(1)));
/// ```
pub(crate) struct Claim<T: ?Sized, H: Handle<T>> {
    handle: H,
    /// It may be shared only if the value may, and sent only if the value may; moving it does not move the value.
    value: PhantomData<Box<T>>,
}

impl<T: ?Sized, H: Handle<T>> Claim<T, H> {
    /// Takes the permit if it is there and nobody waits.
    #[inline]
    pub(crate) fn try_new(handle: H) -> Option<Self> {
        if handle.cell().queue.try_take_only() {
            Some(Self::taken(handle))
        } else {
            None
        }
    }

    #[inline]
    fn taken(handle: H) -> Self {
        Self {
            handle,
            value: PhantomData,
        }
    }

    pub(crate) fn handle(&self) -> &H {
        &self.handle
    }
}

impl<T: ?Sized, H: Handle<T>> Deref for Claim<T, H> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: This claim holds the only permit of this cell, and `&self` keeps anybody from getting a `&mut` through
        // it meanwhile.
        unsafe { &*self.handle.cell().value.get() }
    }
}

impl<T: ?Sized, H: Handle<T>> DerefMut for Claim<T, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: This claim holds the only permit of this cell, and `&mut self` keeps anybody from getting another
        // reference through it meanwhile.
        unsafe { &mut *self.handle.cell().value.get() }
    }
}

impl<T: ?Sized, H: Handle<T>> Drop for Claim<T, H> {
    #[inline]
    fn drop(&mut self) {
        self.handle.cell().queue.give_back(1);
    }
}

/// Waits for the permit of a cell; its ticket is for that queue and no other.
pub(crate) struct Claiming<T: ?Sized, H: Handle<T>> {
    handle: H,
    ticket: Ticket,
    value: PhantomData<Box<T>>,
}

impl<T: ?Sized, H: Handle<T>> Claiming<T, H> {
    #[inline]
    pub(crate) fn new(handle: H) -> Self {
        Self {
            handle,
            ticket: Ticket::Start,
            value: PhantomData,
        }
    }
}

impl<T: ?Sized, H: Handle<T>> Future for Claiming<T, H> {
    type Output = Claim<T, H>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { handle, ticket, .. } = &mut *self;
        ready!(ticket.poll_only(&handle.cell().queue, cx));
        Poll::Ready(Claim::taken(handle.clone()))
    }
}

impl<T: ?Sized, H: Handle<T>> Drop for Claiming<T, H> {
    #[inline]
    fn drop(&mut self) {
        self.ticket.give_up(&self.handle.cell().queue, 1);
    }
}
