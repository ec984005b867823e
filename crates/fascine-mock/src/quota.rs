use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// A strict sliding window over the requests that were let through.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: usize,
    per: Duration,
    passed: VecDeque<Instant>,
}

/// What the quota said to a request, for its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: usize,
    pub(crate) remaining: usize,
    /// Until the next request may pass; set when this one may not.
    pub(crate) refused: Option<Duration>,
}

impl Quota {
    pub(crate) fn new(requests: NonZeroU32, per: Duration) -> Self {
        Self {
            limit: requests.get() as usize,
            per,
            passed: VecDeque::new(),
        }
    }

    pub(crate) fn check(&mut self, now: Instant) -> Standing {
        while self
            .passed
            .front()
            .is_some_and(|passed| now.saturating_duration_since(*passed) >= self.per)
        {
            self.passed.pop_front();
        }
        let refused = if self.passed.len() < self.limit {
            self.passed.push_back(now);
            None
        } else {
            self.passed.front().map(|oldest| {
                self.per
                    .saturating_sub(now.saturating_duration_since(*oldest))
            })
        };
        Standing {
            limit: self.limit,
            remaining: self.limit - self.passed.len(),
            refused,
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "std offers no other origin for an Instant"
)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_is_told_when_to_come_back_and_does_not_count() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut quota = Quota::new(NonZeroU32::new(2).unwrap(), second);
        assert_eq!(quota.check(start).refused, None);
        assert_eq!(quota.check(start + second / 2).remaining, 0);
        for _ in 0..3 {
            assert_eq!(
                quota.check(start + second * 3 / 4).refused,
                Some(second / 4)
            );
        }
        assert_eq!(quota.check(start + second).refused, None);
    }
}
