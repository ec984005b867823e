use std::borrow::Borrow;
use std::fmt;

use super::Inner;
use super::core::Admitted;
use crate::CircuitBreaker;

/// The leave to make one call, from [`CircuitBreaker::try_acquire`].
///
/// Dropped without a word it is a cancelled call: see [`OnCancel`](crate::OnCancel). One that is forgotten is given up
/// when its lease ends.
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct Permit<'a>(pub(super) Held<&'a Inner>);

/// A [`Permit`] that borrows nothing, from [`CircuitBreaker::try_acquire_owned`].
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct OwnedPermit(Held<CircuitBreaker>);

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(breaker: &'a Inner, admitted: Admitted) -> Self {
        Self(Held::new(breaker, admitted))
    }

    /// The call was answered as it should be.
    #[inline]
    pub fn succeeded(mut self) {
        self.0.succeeded();
    }

    /// The call failed, or was answered as it should not be.
    pub fn failed(mut self) {
        self.0.failed();
    }

    /// The call ended in a way that says nothing about the service: a mistake of the caller, for example.
    pub fn ignored(mut self) {
        self.0.ignored();
    }

    /// Whether it is to find out if the service is back.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.0.is_probe()
    }
}

impl OwnedPermit {
    pub(super) fn new(breaker: CircuitBreaker, admitted: Admitted) -> Self {
        Self(Held::new(breaker, admitted))
    }

    /// The call was answered as it should be.
    pub fn succeeded(mut self) {
        self.0.succeeded();
    }

    /// The call failed, or was answered as it should not be.
    pub fn failed(mut self) {
        self.0.failed();
    }

    /// The call ended in a way that says nothing about the service: a mistake of the caller, for example.
    pub fn ignored(mut self) {
        self.0.ignored();
    }

    /// Whether it is to find out if the service is back.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.0.is_probe()
    }
}

/// What both have in common.
///
/// It is told by reference, so that a future that holds one need not move it.
pub(super) struct Held<B: Borrow<Inner>> {
    breaker: B,
    admitted: Admitted,
    /// Whether it was told what became of the call.
    is_told: bool,
}

impl<B: Borrow<Inner>> Held<B> {
    #[inline]
    fn new(breaker: B, admitted: Admitted) -> Self {
        Self {
            breaker,
            admitted,
            is_told: false,
        }
    }

    #[inline]
    pub(super) fn succeeded(&mut self) {
        self.is_told = true;
        let breaker = self.breaker.borrow();
        breaker
            .core()
            .succeeded(&self.admitted, || breaker.rt.now());
    }

    pub(super) fn failed(&mut self) {
        self.is_told = true;
        let breaker = self.breaker.borrow();
        breaker.core().failed(self.admitted, breaker.rt.now());
    }

    pub(super) fn ignored(&mut self) {
        self.is_told = true;
        let breaker = self.breaker.borrow();
        breaker.core().ignored(self.admitted, || breaker.rt.now());
    }

    fn is_probe(&self) -> bool {
        self.admitted.probe().is_some()
    }
}

impl<B: Borrow<Inner>> Drop for Held<B> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_told {
            let breaker = self.breaker.borrow();
            breaker.core().cancelled(self.admitted, || breaker.rt.now());
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("is_probe", &self.is_probe())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit")
            .field("is_probe", &self.is_probe())
            .finish_non_exhaustive()
    }
}
