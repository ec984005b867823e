use std::time::Duration;

use crate::hand;
use crate::{Quota, RateLimiter};

/// A limiter of one quota whose window does not end.
pub(super) fn limiter(limit: u64) -> RateLimiter {
    let quota = Quota::new("x", limit, Duration::from_secs(3600)).expect("it makes sense");
    RateLimiter::new(&hand::rt(), [quota]).expect("there is one")
}
