use std::time::{Duration, Instant};

use fascine_resilience::Quota;

use super::sends::Sends;
use crate::LimitHint;

/// What is known of one quota.
#[derive(Debug)]
pub(super) struct Learned {
    /// What was configured, which is never exceeded.
    configured: Option<(u64, Duration)>,
    /// How long windows are taken to be as long as nothing says otherwise.
    usual: Duration,
    /// What a header named, which is not searched beyond.
    hinted: Option<u64>,
    /// The length of the window that follows from a header's reset, and how much of the limit was used then: the more,
    /// the more exact.
    reset: Option<(Duration, u64)>,
    /// What refusals taught.
    limit: Option<u64>,
    per: Option<Duration>,
    /// How many were let through since the limit was last changed.
    passed: u64,
    /// How far the next step up goes: farther with each that was not refused.
    step: u64,
    /// What the limit was when it was refused.
    before: Option<u64>,
    /// What the limiter has been told.
    told: Option<(u64, Duration)>,
}

impl Learned {
    pub(super) fn new(quota: &Quota) -> Self {
        let configured = (quota.limit() != UNKNOWN).then(|| (quota.limit(), quota.per()));
        Self {
            configured,
            usual: quota.per(),
            hinted: None,
            reset: None,
            limit: None,
            per: None,
            passed: 0,
            step: 1,
            before: None,
            told: configured,
        }
    }

    /// How long its windows are taken to be.
    pub(super) fn taken_per(&self) -> Duration {
        self.per().unwrap_or(self.usual)
    }

    /// Takes over what a header says.
    pub(super) fn hint(&mut self, hint: &LimitHint) {
        let Some(limit) = hint.limit.filter(|limit| *limit > 0) else {
            return;
        };
        if self.hinted != Some(limit) {
            self.hinted = Some(limit);
            self.reset = None;
        }
        let (Some(remaining), Some(reset)) = (hint.remaining, hint.reset) else {
            return;
        };
        let used = limit.saturating_sub(remaining);
        if used == 0 || reset.is_zero() {
            return;
        }
        // The reset is the time in which what was used flows in again.
        let seconds = reset.as_secs_f64() * limit as f64 / used as f64;
        let Ok(per) = Duration::try_from_secs_f64(seconds) else {
            return;
        };
        let (exact, rounded) = rounded(per);
        let known = self.reset.is_some_and(|(_, before)| before > used);
        // Of a limit that is hardly used, a reset says little, unless what it says is a round number.
        if !known && (rounded || used.saturating_mul(10) >= limit) {
            self.reset = Some((exact, used));
        }
    }

    /// Another was let through; `was_full` if nothing was left of the limit then.
    pub(super) fn passed(&mut self, was_full: bool) {
        self.passed += 1;
        let Some(limit) = self.limit.filter(|_| self.per.is_some()) else {
            return;
        };
        if was_full && self.passed >= limit.max(PATIENCE) {
            self.limit = Some(limit.saturating_add(self.step));
            self.step = (self.step * 2).min((limit / 4).max(1));
            self.passed = 0;
        }
    }

    /// It was refused for the first time since it was last let through. Whoever was sent before the limit was known,
    /// which shows by what was `available` then, says nothing against it.
    pub(super) fn refused(&mut self, available: u64) {
        let known = self.known().map(|(limit, _)| limit);
        self.before = known.filter(|limit| available <= *limit);
        self.step = 1;
    }

    /// Learns from what was sent until `end`, when a refusal says that more is let through from `until` on.
    pub(super) fn study(&mut self, sends: &Sends, end: Instant, until: Instant) {
        let Some(per) = self.window(sends, end, until) else {
            return;
        };
        let count = sends.in_window(end, until, per);
        let is_sure = self.configured.is_some() || self.reset.is_some();
        if is_sure && self.hinted.is_some_and(|hinted| count < hinted / 2) {
            // It was another limit, or others use the key: a pause is all there is to do.
            return;
        }
        let (floor, ceiling) = match self.before {
            Some(before) => (before / 2, before.saturating_sub(1)),
            None => (0, u64::MAX),
        };
        let limit = count.max(floor).min(ceiling).max(1);
        (self.limit, self.per, self.passed) = (Some(limit), Some(per), 0);
    }

    /// Goes slower after a refusal that does not say for how long.
    pub(super) fn slow_down(&mut self, sends: &Sends, now: Instant) {
        let per = self.per().unwrap_or(self.usual);
        let limit = match self.known() {
            Some((limit, _)) => limit,
            None => sends.in_window(now, now, per),
        };
        let limit = (limit - limit / 8).max(1);
        (self.limit, self.per, self.passed) = (Some(limit), Some(per), 0);
        self.step = 1;
    }

    /// How long the window is that a refusal is about.
    fn window(&self, sends: &Sends, end: Instant, until: Instant) -> Option<Duration> {
        if let Some(per) = self.per() {
            return Some(per);
        }
        let mut sends = sends.let_through(end);
        let oldest = match self.hinted {
            Some(limit) => sends.nth(usize::try_from(limit - 1).ok()?)?,
            None => sends.last()?,
        };
        let per = until.saturating_duration_since(oldest);
        // What was sent long ago is not what fills it.
        let per = if self.hinted.is_none() {
            per.min(self.usual)
        } else {
            per
        };
        Some(rounded(per.max(SHORTEST)).0)
    }

    pub(super) fn is_known(&self, available: u64) -> bool {
        self.known().is_some_and(|(limit, _)| available <= limit)
    }

    fn per(&self) -> Option<Duration> {
        let configured = self.configured.map(|(_, per)| per);
        let reset = self.reset.map(|(per, _)| per);
        configured.or(reset).or(self.per)
    }

    fn known(&self) -> Option<(u64, Duration)> {
        let per = self.per()?;
        // A limit on days says nothing about minutes.
        let same = |(reset, _): (Duration, u64)| reset.abs_diff(per) <= per / 40;
        let hinted = self.hinted.filter(|_| self.reset.is_none_or(same));
        let configured = self.configured.map(|(limit, _)| limit);
        let limit = [configured, hinted, self.limit];
        Some((limit.into_iter().flatten().min()?, per))
    }

    /// What the limiter is to be told, if that is new.
    pub(super) fn changed(&mut self) -> Option<(u64, Duration)> {
        let known = self.known()?;
        (self.told.replace(known) != Some(known)).then_some(known)
    }
}

/// The length of a window, put right if it is nearly one that people choose; and whether it is one.
fn rounded(per: Duration) -> (Duration, bool) {
    let near = |round: &&Duration| per.abs_diff(**round) <= **round / 40;
    match USUAL.iter().find(near) {
        Some(round) => (*round, true),
        None => (per, false),
    }
}

const USUAL: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
];
/// The limit of a quota that nobody knows.
pub(crate) const UNKNOWN: u64 = u64::MAX;
/// So many are let through before a step up, which may cost a refusal.
const PATIENCE: u64 = 200;
const SHORTEST: Duration = Duration::from_millis(1);
