use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Verdict;

/// A [`CircuitBreaker`](crate::CircuitBreaker) let a call not through; the service was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitOpen {
    /// The name of the breaker.
    pub name: Arc<str>,
    /// In how long another call may get through: zero if that depends on a probe that is under way, and may be at any
    /// moment. `None` if no time is enough: somebody opened it by hand. Added to the present it overflows nothing.
    pub retry_after: Option<Duration>,
    /// Why the call was refused.
    pub reason: Refusal,
}

/// Why a [`CircuitBreaker`](crate::CircuitBreaker) refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It was opened by hand.
    Forced,
    /// It is open.
    Open,
    /// It is half-open, and as many probes are under way as may be.
    ProbeInFlight,
}

impl CircuitOpen {
    /// What it means to a retry around the breaker: that the call was not made, costs no budget, and may be made when
    /// the circuit may be closed again. One that was opened by hand ends the retry.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.retry_after.map_or(Verdict::Stop, Verdict::Rejected)
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (self.reason, self.retry_after) {
            (Refusal::Forced, _) => write!(f, "circuit `{name}` was opened by hand"),
            (Refusal::Open, Some(wait)) => {
                write!(f, "circuit `{name}` is open for another {wait:?}")
            }
            (Refusal::Open, None) => write!(f, "circuit `{name}` is open for good"),
            (Refusal::ProbeInFlight, _) => write!(f, "circuit `{name}` waits for a probe"),
        }
    }
}

impl Error for CircuitOpen {}

/// Why a call through a [`CircuitBreaker`](crate::CircuitBreaker) gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError<E> {
    /// The call was made and failed.
    #[error("the call failed")]
    Failed(#[source] E),
    /// The call was not made.
    #[error(transparent)]
    Open(CircuitOpen),
}

impl<E> CircuitError<E> {
    /// The error of the call, if it was made.
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Open(_) => None,
        }
    }
}
