use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Lock, LockGuard, LockGuardArc};
use crate::raw::Claiming;

/// The future of [`Lock::lock`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Locking<'a, T: ?Sized>(pub(super) Claiming<T, &'a Lock<T>>);

impl<'a, T: ?Sized> Future for Locking<'a, T> {
    type Output = LockGuard<'a, T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(LockGuard)
    }
}

impl<T: ?Sized> fmt::Debug for Locking<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locking").finish_non_exhaustive()
    }
}

/// The future of [`Lock::lock_arc`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct LockingArc<T: ?Sized>(pub(super) Claiming<T, Arc<Lock<T>>>);

impl<T: ?Sized> Future for LockingArc<T> {
    type Output = LockGuardArc<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(LockGuardArc)
    }
}

impl<T: ?Sized> fmt::Debug for LockingArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockingArc").finish_non_exhaustive()
    }
}
