use std::num::NonZeroU64;
use std::time::Instant;

use super::settings::Settings;
use super::window::Call;
use crate::ChangeCause;

/// The probes of a half-open circuit: those under way, and what the others came to.
///
/// Either as many as it takes succeed, or so many do not that this can no longer be: when all have ended it is decided,
/// and most often before. After the success threshold of Failsafe for Java, and the rates of Resilience4j.
#[derive(Debug)]
pub(super) struct Probes {
    /// Which, and when each lease ends: `None` for never.
    under_way: Vec<(NonZeroU64, Option<Instant>)>,
    next: NonZeroU64,
    ended: u32,
    failed: u32,
    slow: u32,
    /// Failed, or slow, or both.
    bad: u32,
}

impl Probes {
    pub(super) fn new() -> Self {
        Self {
            under_way: Vec::new(),
            next: NonZeroU64::MIN,
            ended: 0,
            failed: 0,
            slow: 0,
            bad: 0,
        }
    }

    /// Forgets them all; a number is never used again.
    pub(super) fn clear(&mut self) {
        let next = self.next;
        *self = Self {
            next,
            ..Self::new()
        };
    }

    /// Places one more, unless as many were placed as may be: one that ended keeps its place.
    pub(super) fn place(&mut self, now: Instant, settings: &Settings) -> Option<NonZeroU64> {
        let placed = self.under_way.len() as u64 + u64::from(self.ended);
        if placed >= u64::from(settings.half_open_max_calls) {
            return None;
        }
        let probe = self.next;
        self.next = probe.saturating_add(1);
        let lease_ends = now.checked_add(settings.lease());
        self.under_way.push((probe, lease_ends));
        Some(probe)
    }

    /// Whether it was under way until now, and was not taken for lost before.
    pub(super) fn comes_back(&mut self, probe: Option<NonZeroU64>) -> bool {
        let placed = self.under_way.len();
        self.under_way.retain(|(id, _)| Some(*id) != probe);
        self.under_way.len() < placed
    }

    /// When the next lease ends.
    pub(super) fn next_lease_end(&self) -> Option<Instant> {
        self.under_way.iter().filter_map(|(_, end)| *end).min()
    }

    /// Takes one whose lease ends then for failed.
    pub(super) fn lose(&mut self, lease_ends: Instant) {
        let lost = |(_, end): &(NonZeroU64, Option<Instant>)| *end == Some(lease_ends);
        if let Some(nth) = self.under_way.iter().position(lost) {
            self.under_way.swap_remove(nth);
            self.count(Call {
                failed: true,
                slow: false,
            });
        }
    }

    pub(super) fn count(&mut self, call: Call) {
        self.ended += 1;
        self.failed += u32::from(call.failed);
        self.slow += u32::from(call.slow);
        self.bad += u32::from(call.failed || call.slow);
    }

    /// What they say together, if that is certain: that it closes, or that it opens again.
    pub(super) fn decide(&self, settings: &Settings) -> Option<ChangeCause> {
        let all = settings.half_open_max_calls;
        let left = all.saturating_sub(self.ended);
        let (opens, closes) = match (settings.success_threshold, settings.failure_rate) {
            (None, Some(rate)) => {
                let reaches = |part: u32, rate: f64| f64::from(part) >= rate * f64::from(all);
                let slow = |part| settings.slow.is_some_and(|slow| reaches(part, slow.rate));
                (
                    reaches(self.failed, rate) || slow(self.slow),
                    !reaches(self.failed + left, rate) && !slow(self.slow + left),
                )
            }
            (threshold, _) => {
                let threshold = threshold.unwrap_or(1);
                let good = self.ended - self.bad;
                (good + left < threshold, good >= threshold)
            }
        };
        match (opens, closes) {
            (true, _) => Some(ChangeCause::ProbeFailed),
            (false, true) => Some(ChangeCause::ProbesSucceeded),
            (false, false) => None,
        }
    }
}
