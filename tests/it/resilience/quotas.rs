//! Quotas of one currency, `x`, and amounts of it.

use std::num::NonZeroU64;

use fascine::resilience::{Quota, Strategy};

use crate::durations::ms;

/// So much a second.
pub(super) fn quota(limit: u64) -> Quota {
    Quota::new("x", limit, ms(1000)).unwrap()
}

pub(super) fn bucket(limit: u64, burst: u64) -> Quota {
    let burst = NonZeroU64::new(burst).unwrap();
    quota(limit).with_strategy(Strategy::TokenBucket { burst })
}

pub(super) fn x(amount: u64) -> [(&'static str, u64); 1] {
    [("x", amount)]
}
