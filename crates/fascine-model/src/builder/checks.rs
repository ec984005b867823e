use std::num::NonZeroUsize;

use fascine_resilience::{Bulkhead, Quota, RateLimiter};

use super::{BuildError, ModelServiceBuilder};
use crate::service::cost::{QUOTAS, REQUESTS, TOKENS};
use crate::service::{SharedLimiter, UNKNOWN};

impl ModelServiceBuilder {
    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let timeouts = &self.timeouts;
        let wrong = [
            (
                self.limit_requests == Some(0),
                "limit_requests",
                "is zero: no request would ever be sent",
            ),
            (
                self.limit_tokens == Some(0),
                "limit_tokens",
                "is zero: no request would ever be sent",
            ),
            (
                self.capacity_refresh_time.is_zero(),
                "capacity_refresh_time",
                "is zero: nothing would ever be held back",
            ),
            (
                self.rt.deadline_after(self.capacity_refresh_time).is_none(),
                "capacity_refresh_time",
                "has no end: what a limit holds back would wait for ever",
            ),
            (
                self.limiter.is_some()
                    && (self.limit_requests.is_some() || self.limit_tokens.is_some()),
                "limiter",
                "has the limits: limit_requests and limit_tokens cannot be set beside it",
            ),
            (
                self.concurrency_limit == Some(0),
                "concurrency_limit",
                "is zero: no request would ever be sent",
            ),
            (
                timeouts.connect.is_zero(),
                "timeout",
                "leaves no time to connect",
            ),
            (
                timeouts.first_byte.is_zero(),
                "timeout",
                "leaves no time to the first byte",
            ),
            (
                timeouts.idle.is_zero(),
                "timeout",
                "leaves no time between two pieces of an answer",
            ),
            (
                timeouts.total.is_zero(),
                "timeout",
                "is zero: no request could ever end in time",
            ),
            (
                self.max_response_bytes == 0,
                "max_response_bytes",
                "is zero: no answer would fit",
            ),
            (
                self.cache.as_ref().is_some_and(|cache| !cache.keeps()),
                "cache",
                "keeps nothing: its time to live is zero",
            ),
            (
                self.max_cost.is_some_and(|max| max.is_nan() || max <= 0.0),
                "max_cost",
                "must be above zero",
            ),
        ];
        match wrong.into_iter().find(|(is_wrong, ..)| *is_wrong) {
            Some((_, field, reason)) => Err(BuildError { field, reason }),
            None => Ok(()),
        }
    }

    /// The limits that were set, and those that are to be found out.
    pub(super) fn own_limiter(&self) -> Result<SharedLimiter, BuildError> {
        let limits = QUOTAS.iter().filter_map(|(name, _)| {
            let limit = match *name {
                REQUESTS => self.limit_requests,
                TOKENS => self.limit_tokens,
                _ => None,
            };
            let limit = limit.or(self.adapts.then_some(UNKNOWN))?;
            Some(Quota::new(*name, limit, self.capacity_refresh_time))
        });
        let invalid = |field, reason| BuildError { field, reason };
        let quotas: Vec<Quota> = limits
            .collect::<Result<_, _>>()
            .map_err(|_| invalid("limit_requests", "and the other limits make no quota"))?;
        // How many may wait is counted by the service, for room and limits together.
        let limiter = RateLimiter::with_queue_capacity(&self.rt, quotas, usize::MAX)
            .map_err(|_| invalid("limit_requests", "and limit_tokens have one name"))?;
        Ok(SharedLimiter::new(self.provider.name(), limiter))
    }

    pub(super) fn bulkhead(&self) -> Option<Bulkhead> {
        let limit = self.concurrency_limit.and_then(NonZeroUsize::new)?;
        Some(Bulkhead::new(&self.rt, limit).with_queue(usize::MAX))
    }
}
