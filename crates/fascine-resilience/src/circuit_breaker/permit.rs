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
pub struct Permit<'a>(Held<&'a Inner>);

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
    pub fn succeeded(self) {
        self.0.succeeded();
    }

    /// The call failed, or was answered as it should not be.
    pub fn failed(self) {
        self.0.failed();
    }

    /// The call ended in a way that says nothing about the service: a mistake of the caller, for example.
    pub fn ignored(self) {
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
    pub fn succeeded(self) {
        self.0.succeeded();
    }

    /// The call failed, or was answered as it should not be.
    pub fn failed(self) {
        self.0.failed();
    }

    /// The call ended in a way that says nothing about the service: a mistake of the caller, for example.
    pub fn ignored(self) {
        self.0.ignored();
    }

    /// Whether it is to find out if the service is back.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.0.is_probe()
    }
}

/// What both have in common.
struct Held<B: Borrow<Inner>> {
    breaker: B,
    /// `None` once it was told what became of the call.
    admitted: Option<Admitted>,
}

impl<B: Borrow<Inner>> Held<B> {
    #[inline]
    fn new(breaker: B, admitted: Admitted) -> Self {
        Self {
            breaker,
            admitted: Some(admitted),
        }
    }

    #[inline]
    fn succeeded(mut self) {
        if let Some(admitted) = self.admitted.take() {
            let breaker = self.breaker.borrow();
            breaker.core.succeeded(admitted, || breaker.rt.now());
        }
    }

    fn failed(mut self) {
        if let Some(admitted) = self.admitted.take() {
            let breaker = self.breaker.borrow();
            breaker.core.failed(admitted, breaker.rt.now());
        }
    }

    fn ignored(mut self) {
        if let Some(admitted) = self.admitted.take() {
            let breaker = self.breaker.borrow();
            breaker.core.ignored(admitted, || breaker.rt.now());
        }
    }

    fn is_probe(&self) -> bool {
        self.admitted
            .is_some_and(|admitted| admitted.probe.is_some())
    }
}

impl<B: Borrow<Inner>> Drop for Held<B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(admitted) = self.admitted.take() {
            let breaker = self.breaker.borrow();
            breaker.core.cancelled(admitted, || breaker.rt.now());
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
