use std::time::Instant;

/// What a [`CircuitBreaker`](crate::CircuitBreaker) does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// They go through, and what comes of them is watched.
    Closed,
    /// They go through, and nothing is watched or counted.
    Disabled,
    /// They go through and are counted, but never open it.
    ForcedClosed,
    /// They are refused until somebody says otherwise.
    ForcedOpen,
    /// A few go through, to see whether the service is back.
    HalfOpen,
    /// They are refused until the time to recover has passed, and the next call after it makes it half-open.
    Open,
}

/// Why a [`CircuitBreaker`](crate::CircuitBreaker) changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeCause {
    /// Somebody called a method that changes it.
    Asked,
    /// Too many calls failed.
    Failures,
    /// It was half-open for longer than it may be.
    HalfOpenTooLong,
    /// So many probes failed, or were as slow as a failure, that the others could not make up for it.
    ProbeFailed,
    /// A probe told nothing until its lease ended, and the others could not make up for it.
    ProbeLost,
    /// As many probes succeeded as it takes.
    ProbesSucceeded,
    /// The time to recover had passed when a call came.
    Recovery,
    /// Too many calls were slow.
    SlowCalls,
}

/// One change of state of a [`CircuitBreaker`](crate::CircuitBreaker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateChange {
    /// Which change it is, counted from 1: a gap means that some were missed.
    pub number: u64,
    /// The state before.
    pub from: CircuitState,
    /// The state after.
    pub to: CircuitState,
    /// Why it changed.
    pub cause: ChangeCause,
    /// When it took effect.
    pub at: Instant,
}
