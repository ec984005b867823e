use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// What one key may use in any stretch of time: strict sliding windows over what was let through.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    requests: Option<Window>,
    tokens: Option<Window>,
}

/// What the quota said to a request, for its headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) requests: Option<Level>,
    pub(crate) tokens: Option<Level>,
    pub(crate) refused: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Until nothing of the window is used.
    pub(crate) reset: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) of_tokens: bool,
    /// Until the same request may pass; `None` if it never may.
    pub(crate) wait: Option<Duration>,
}

/// How much of something in how much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) amount: NonZeroU64,
    pub(crate) per: Duration,
}

impl Quota {
    pub(crate) fn new(requests: Option<Limit>, tokens: Option<Limit>) -> Self {
        Self {
            requests: requests.map(Window::new),
            tokens: tokens.map(Window::new),
        }
    }

    /// Lets a request of so many tokens pass, or says when it may. One that is refused uses nothing.
    pub(crate) fn check(&mut self, now: Instant, tokens: u64) -> Standing {
        let windows = [
            (self.requests.as_mut(), 1, false),
            (self.tokens.as_mut(), tokens, true),
        ];
        let mut refused: Option<Refusal> = None;
        for (window, amount, of_tokens) in windows {
            let Some(window) = window else { continue };
            window.forget(now);
            let Some(wait) = window.wait(now, amount) else {
                continue;
            };
            let longer = match (refused, wait) {
                (None, _) => true,
                (
                    Some(Refusal {
                        wait: Some(so_far), ..
                    }),
                    Some(wait),
                ) => wait > so_far,
                (Some(Refusal { wait: so_far, .. }), None) => so_far.is_some(),
                (Some(_), Some(_)) => false,
            };
            if longer {
                refused = Some(Refusal { of_tokens, wait });
            }
        }
        if refused.is_none() {
            if let Some(requests) = &mut self.requests {
                requests.pass(now, 1);
            }
            if let Some(window) = &mut self.tokens {
                window.pass(now, tokens);
            }
        }
        let level = |window: &Option<Window>| window.as_ref().map(|window| window.level(now));
        Standing {
            requests: level(&self.requests),
            tokens: level(&self.tokens),
            refused,
        }
    }
}

#[derive(Debug)]
struct Window {
    limit: u64,
    per: Duration,
    passed: VecDeque<(Instant, u64)>,
    used: u64,
}

impl Window {
    fn new(limit: Limit) -> Self {
        Self {
            limit: limit.amount.get(),
            per: limit.per,
            passed: VecDeque::new(),
            used: 0,
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, amount)) = self.passed.front()
            && now.saturating_duration_since(*at) >= self.per
        {
            self.used -= amount;
            self.passed.pop_front();
        }
    }

    /// How long the amount has to wait, if it has to; the inner `None` is for ever.
    fn wait(&self, now: Instant, amount: u64) -> Option<Option<Duration>> {
        if self.used.saturating_add(amount) <= self.limit {
            return None;
        }
        if amount > self.limit {
            return Some(None);
        }
        let mut left = self.used;
        let free = self.passed.iter().find(|(_, passed)| {
            left -= passed;
            left + amount <= self.limit
        });
        Some(free.map(|(at, _)| {
            let since = now.saturating_duration_since(*at);
            self.per.saturating_sub(since)
        }))
    }

    fn pass(&mut self, now: Instant, amount: u64) {
        self.passed.push_back((now, amount));
        self.used += amount;
    }

    fn level(&self, now: Instant) -> Level {
        let reset = self.passed.back().map_or(Duration::ZERO, |(at, _)| {
            let since = now.saturating_duration_since(*at);
            self.per.saturating_sub(since)
        });
        Level {
            limit: self.limit,
            remaining: self.limit.saturating_sub(self.used),
            reset,
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

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(amount: u64) -> Option<Limit> {
        let amount = NonZeroU64::new(amount).unwrap();
        Some(Limit {
            amount,
            per: SECOND,
        })
    }

    fn wait(standing: Standing) -> Option<Option<Duration>> {
        standing.refused.map(|refused| refused.wait)
    }

    #[test]
    fn a_refused_request_is_told_when_to_come_back_and_does_not_count() {
        let start = Instant::now();
        let mut quota = Quota::new(limit(2), None);
        assert_eq!(wait(quota.check(start, 0)), None);
        let level = quota.check(start + SECOND / 2, 0).requests.unwrap();
        assert_eq!((level.remaining, level.reset), (0, SECOND));
        for _ in 0..3 {
            let refused = quota.check(start + SECOND * 3 / 4, 0);
            assert_eq!(wait(refused), Some(Some(SECOND / 4)));
        }
        assert_eq!(wait(quota.check(start + SECOND, 0)), None);
    }

    #[test]
    fn tokens_wait_until_enough_of_them_are_free() {
        let start = Instant::now();
        let mut quota = Quota::new(limit(10), limit(100));
        quota.check(start, 30);
        quota.check(start + SECOND / 4, 30);
        quota.check(start + SECOND / 2, 40);
        let at = start + SECOND / 2;
        assert_eq!(wait(quota.check(at, 31)), Some(Some(SECOND * 3 / 4)));
        assert_eq!(wait(quota.check(at, 30)), Some(Some(SECOND / 2)));
        assert_eq!(wait(quota.check(at, 101)), Some(None), "never");
        assert_eq!(quota.check(at, 101).requests.unwrap().remaining, 7);
    }
}
