//! A breaker to try things on, and what is done to it.

use std::time::Duration;

use fascine::resilience::{CircuitBreaker, CircuitError, Refusal};
use fascine::rt::Rt;

use crate::durations::ms;

/// Opens after two failures, for a second.
pub(super) fn two(rt: &Rt) -> CircuitBreaker {
    let builder = CircuitBreaker::builder(rt, "test").consecutive_failures(2);
    builder.recovery_time(ms(1000)).build().unwrap()
}

pub(super) async fn fail(breaker: &CircuitBreaker) {
    let failed = breaker.call(|| async { Err::<(), _>("down") }).await;
    assert_eq!(failed, Err(CircuitError::Failed("down")));
}

pub(super) async fn succeed(breaker: &CircuitBreaker) {
    assert_eq!(breaker.call(|| async { Ok::<_, ()>(1) }).await, Ok(1));
}

#[track_caller]
pub(super) fn refused(breaker: &CircuitBreaker) -> (Refusal, Option<Duration>) {
    let open = breaker.try_acquire().unwrap_err();
    assert_eq!(&*open.name, breaker.name());
    (open.reason, open.retry_after)
}
