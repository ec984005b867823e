//! What a limiter learns from answers.

mod learned;
mod sends;

use std::time::{Duration, Instant};

use fascine_resilience::Quota;

use self::learned::Learned;
pub(crate) use self::learned::UNKNOWN;
use self::sends::Sends;
use super::cost::{QUOTAS, position};
use crate::LimitHint;

/// Finds out what a provider allows, from its hints and its refusals.
///
/// A limit that a header names holds at once when its time is known: it was configured, or follows from the header's
/// reset. Otherwise the first refusal tells: whoever counts strictly and says *come back in r* means that what was sent
/// `r` before the length of the window from now is about to leave it. From then on the limit is searched for as TCP
/// does (additive increase, multiplicative decrease; Chiu and Jain, 1989), but for the decrease, which goes to what was
/// in fact let through: one step up after some hundred answers, so that less than one request in a hundred is refused.
///
/// It is synchronous and takes `now`.
#[derive(Debug)]
pub(crate) struct Steering {
    quotas: [Option<Learned>; QUOTAS.len()],
    sends: Sends,
    /// What others used and was charged to the limiter, of each quota, since it was made.
    charged: [u64; QUOTAS.len()],
    lesson: Option<Lesson>,
    /// When it last went slower for a refusal that did not say for how long.
    slowed: Option<Instant>,
}

/// A refusal that is being understood: answers to what was sent before it are still to come.
#[derive(Clone, Copy, Debug)]
struct Lesson {
    /// When the refused request was sent.
    sent: Instant,
    /// Requests that are sent from then on are let through again: they are as long on their way as this one was.
    frees: Instant,
    /// When those are let go that are held back meanwhile.
    until: Instant,
}

/// A request that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    number: u64,
    at: Instant,
    /// What the limiter had left, this request taken off.
    available: [u64; QUOTAS.len()],
    charged: [u64; QUOTAS.len()],
}

/// What is to be done to the limiter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) quotas: Vec<Quota>,
    pub(crate) charges: [u64; QUOTAS.len()],
}

impl Steering {
    /// Begins with what was configured. A quota with a limit beyond counting is one that nobody knows yet.
    pub(crate) fn new(quotas: &[Quota]) -> Self {
        let learned = QUOTAS.map(|(name, _)| {
            let quota = quotas.iter().find(|quota| quota.name() == name);
            quota.map(Learned::new)
        });
        Self {
            quotas: learned,
            sends: Sends::default(),
            charged: [0; QUOTAS.len()],
            lesson: None,
            slowed: None,
        }
    }

    /// A request is sent; `available` is what is left of each quota.
    pub(crate) fn sent(&mut self, now: Instant, available: [u64; QUOTAS.len()]) -> Sent {
        Sent {
            number: self.sends.push(now),
            at: now,
            available,
            charged: self.charged,
        }
    }

    /// A request was let through.
    pub(crate) fn passed(&mut self, now: Instant, sent: &Sent, hints: &[LimitHint]) -> Steps {
        self.sends.passed(sent.number);
        let mut steps = Steps::default();
        self.follow(sent, hints, &mut steps);
        self.study(now);
        if self.lesson.is_none()
            && let [Some(requests), ..] = &mut self.quotas
        {
            requests.passed(sent.available[0] == 0);
        }
        self.change(&mut steps);
        steps
    }

    /// A request was refused for the limits' sake, and the provider wants to be left alone until then.
    pub(crate) fn refused(
        &mut self,
        now: Instant,
        sent: &Sent,
        wait: Option<Duration>,
        hints: &[LimitHint],
    ) -> Steps {
        self.sends.refused(sent.number);
        let mut steps = Steps::default();
        self.follow(sent, hints, &mut steps);
        let blames = |hint: &&LimitHint| hint.remaining == Some(0);
        let blamed = hints.iter().find(blames);
        let requests = blamed.is_none_or(|hint| position(hint.quota) == Some(0));
        let ends = |wait| Some((sent.at.checked_add(wait)?, now.checked_add(wait)?));
        match wait.and_then(ends) {
            _ if !requests => {}
            Some((frees, until)) => self.begin_lesson(now, sent, frees, until),
            None => self.slow_down(now),
        }
        self.study(now);
        self.change(&mut steps);
        steps
    }

    fn begin_lesson(&mut self, now: Instant, sent: &Sent, frees: Instant, until: Instant) {
        let going_on = self.lesson.filter(|lesson| lesson.until > now);
        if going_on.is_none()
            && let [Some(requests), ..] = &mut self.quotas
        {
            requests.refused(sent.available[0]);
        }
        let sent = going_on.map_or(sent.at, |lesson| lesson.sent.max(sent.at));
        self.lesson = Some(Lesson { sent, frees, until });
    }

    fn slow_down(&mut self, now: Instant) {
        let lately = |slowed: Instant| now.saturating_duration_since(slowed) < AT_ONCE;
        if self.slowed.is_some_and(lately) {
            return;
        }
        self.slowed = Some(now);
        if let [Some(requests), ..] = &mut self.quotas {
            requests.slow_down(&self.sends, now);
        }
    }

    /// Takes over what the headers say.
    fn follow(&mut self, sent: &Sent, hints: &[LimitHint], steps: &mut Steps) {
        for hint in hints {
            let Some(index) = position(hint.quota) else {
                continue;
            };
            let Some(learned) = &mut self.quotas[index] else {
                continue;
            };
            // What is allowed in a day says nothing of a minute.
            if hint
                .period
                .is_some_and(|period| period != learned.taken_per())
            {
                continue;
            }
            learned.hint(hint);
            let was_known = learned.is_known(sent.available[index]);
            let Some(remaining) = hint.remaining.filter(|_| was_known) else {
                continue;
            };
            // Less is left than we left: somebody else has the key too. What was charged since is known already.
            let known = self.charged[index] - sent.charged[index];
            let others = sent.available[index]
                .saturating_sub(remaining)
                .saturating_sub(known);
            steps.charges[index] += others;
            self.charged[index] += others;
        }
    }

    /// Learns from a refusal, as long as its pause lasts: answers that come meanwhile make it more exact.
    fn study(&mut self, now: Instant) {
        let Some(lesson) = self.lesson else { return };
        let [Some(requests), ..] = &mut self.quotas else {
            return;
        };
        if now >= lesson.until {
            self.lesson = None;
            return;
        }
        requests.study(&self.sends, lesson.sent, lesson.frees);
    }

    fn change(&mut self, steps: &mut Steps) {
        for (learned, (name, _)) in self.quotas.iter_mut().zip(QUOTAS) {
            let changed = learned.as_mut().and_then(Learned::changed);
            if let Some((limit, per)) = changed
                && let Ok(quota) = Quota::new(name, limit, per)
            {
                steps.quotas.push(quota);
            }
        }
    }
}

/// Refusals of requests that were sent together come within this time of each other.
const AT_ONCE: Duration = Duration::from_secs(1);
