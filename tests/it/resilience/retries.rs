//! A policy to try things with.

use std::num::NonZeroU32;

use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::Rt;

use crate::durations::ms;

/// Five attempts, 100 ms, 200 ms, 400 ms, 800 ms apart.
pub(super) fn doubling(rt: &Rt) -> Retry {
    let backoff = Backoff::exponential(ms(100)).with_jitter(Jitter::None);
    Retry::new(rt)
        .with_attempts(NonZeroU32::new(5).unwrap())
        .with_backoff(backoff)
}
