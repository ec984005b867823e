use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Lock;
use crate::raw::Claim;

/// The right to the value of a [`Lock`]; dropping it unlocks.
#[must_use = "dropping it unlocks"]
#[clippy::has_significant_drop]
pub struct LockGuard<'a, T: ?Sized>(pub(crate) Claim<T, &'a Lock<T>>);

impl<'a, T: ?Sized> LockGuard<'a, T> {
    /// Returns the lock that this is a guard of.
    ///
    /// It is an associated function, so that it hides no method of the value.
    pub fn source(guard: &Self) -> &'a Lock<T> {
        guard.0.handle()
    }
}

impl<T: ?Sized> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to the value of a [`Lock`] that is in an [`Arc`]; dropping it unlocks.
#[must_use = "dropping it unlocks"]
#[clippy::has_significant_drop]
pub struct LockGuardArc<T: ?Sized>(pub(crate) Claim<T, Arc<Lock<T>>>);

impl<T: ?Sized> LockGuardArc<T> {
    /// Returns the lock that this is a guard of.
    ///
    /// It is an associated function, so that it hides no method of the value.
    pub fn source(guard: &Self) -> &Arc<Lock<T>> {
        guard.0.handle()
    }
}

impl<T: ?Sized> Deref for LockGuardArc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for LockGuardArc<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuardArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for LockGuardArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
