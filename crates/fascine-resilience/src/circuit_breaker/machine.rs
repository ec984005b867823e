use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_concurrency::Event;

use super::probes::Probes;
use super::settings::Settings;
use super::window::{Call, Window};
use crate::{ChangeCause, CircuitState, Refusal, StateChange};

/// The states of a circuit breaker and the ways between them; time comes in as a value.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) state: CircuitState,
    /// Another one after every change: what was let through in an earlier one says nothing about this one.
    pub(super) generation: u64,
    window: Window,
    open_for: Duration,
    open_until: Option<Instant>,
    /// How often it opened since it was last closed.
    times_opened: u32,
    /// When it has been half-open for too long.
    half_open_until: Option<Instant>,
    probes: Probes,
    pub(super) history: VecDeque<StateChange>,
    pub(super) changes: u64,
    /// Set at the next change.
    pub(super) changed: Arc<Event>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Call(Call),
    Ignored,
}

impl Machine {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            state: CircuitState::Closed,
            generation: 0,
            window: Window::new(settings),
            open_for: Duration::ZERO,
            open_until: None,
            times_opened: 0,
            half_open_until: None,
            probes: Probes::new(),
            history: VecDeque::new(),
            changes: 0,
            changed: Arc::default(),
        }
    }

    /// Lets a call through, as a probe if there is a number, or refuses it and says when to come back.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        settings: &Settings,
    ) -> Result<Option<NonZeroU64>, (Refusal, Option<Duration>)> {
        self.watch_the_clock(now, settings);
        if self.state == CircuitState::Open {
            let Some(until) = self.open_until else {
                return Err((Refusal::Open, None));
            };
            if now < until {
                // By a clock that was read before it opened it would be longer than it is.
                let wait = (until - now).min(self.open_for);
                return Err((Refusal::Open, Some(wait)));
            }
            self.change(CircuitState::HalfOpen, ChangeCause::Recovery, now);
            let longest = settings.half_open_max_wait;
            self.half_open_until = longest.and_then(|longest| now.checked_add(longest));
        }
        match self.state {
            CircuitState::Closed | CircuitState::Disabled | CircuitState::ForcedClosed => Ok(None),
            CircuitState::ForcedOpen => Err((Refusal::Forced, None)),
            CircuitState::HalfOpen | CircuitState::Open => {
                let probe = self.probes.place(now, settings);
                let refused = (Refusal::ProbeInFlight, Some(Duration::ZERO));
                probe.map(Some).ok_or(refused)
            }
        }
    }

    /// Does what was due while nobody came: leases end, and so does the time to be half-open.
    fn watch_the_clock(&mut self, now: Instant, settings: &Settings) {
        while self.state == CircuitState::HalfOpen {
            let lease_ends = self.probes.next_lease_end().filter(|end| *end <= now);
            if let Some(end) = self.half_open_until.filter(|end| *end <= now)
                && lease_ends.is_none_or(|lease| end <= lease)
            {
                return self.open(end, ChangeCause::HalfOpenTooLong, settings);
            }
            let Some(end) = lease_ends else { return };
            self.probes.lose(end);
            match self.probes.decide(settings) {
                Some(ChangeCause::ProbeFailed) => self.open(end, ChangeCause::ProbeLost, settings),
                decided => self.follow(decided, end, settings),
            }
        }
    }

    /// Does what the probes have decided.
    fn follow(&mut self, decided: Option<ChangeCause>, at: Instant, settings: &Settings) {
        match decided {
            Some(cause @ ChangeCause::ProbesSucceeded) => {
                self.close(CircuitState::Closed, cause, at, settings);
            }
            Some(cause) => self.open(at, cause, settings),
            None => {}
        }
    }

    /// Hears what became of a call that was let through in this generation, after `successes` nobody told of.
    pub(super) fn record(
        &mut self,
        probe: Option<NonZeroU64>,
        ended: Ended,
        successes: u64,
        now: Instant,
        settings: &Settings,
    ) {
        match self.state {
            CircuitState::Closed => {
                self.window.add_successes(successes, now);
                if let Ended::Call(call) = ended {
                    self.window.add(call, now);
                    // A success never makes it worse: what it leaves for the next failure to see can wait.
                    if (call.failed || call.slow)
                        && let Some(cause) = self.window.trips(settings)
                    {
                        self.open(now, cause, settings);
                    }
                }
            }
            CircuitState::HalfOpen => {
                let Ended::Call(call) = ended else {
                    self.probes.comes_back(probe);
                    return;
                };
                if self.probes.comes_back(probe) {
                    self.probes.count(call);
                    self.follow(self.probes.decide(settings), now, settings);
                }
            }
            _ => {}
        }
    }

    /// Goes to a state because somebody asked for it.
    pub(super) fn ask(&mut self, state: CircuitState, now: Instant, settings: &Settings) {
        match state {
            CircuitState::Open => self.open(now, ChangeCause::Asked, settings),
            state => self.close(state, ChangeCause::Asked, now, settings),
        }
    }

    fn open(&mut self, now: Instant, cause: ChangeCause, settings: &Settings) {
        self.open_for = settings.recovery_time(self.times_opened);
        self.open_until = now.checked_add(self.open_for);
        self.times_opened = self.times_opened.saturating_add(1);
        self.change(CircuitState::Open, cause, now);
    }

    /// Begins anew, in a state that knows nothing of what was.
    fn close(&mut self, to: CircuitState, cause: ChangeCause, now: Instant, settings: &Settings) {
        self.window = Window::new(settings);
        self.times_opened = 0;
        self.change(to, cause, now);
    }

    fn change(&mut self, to: CircuitState, cause: ChangeCause, at: Instant) {
        self.generation += 1;
        self.probes.clear();
        self.half_open_until = None;
        self.changes += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(StateChange {
            number: self.changes,
            from: self.state,
            to,
            cause,
            at,
        });
        self.state = to;
    }
}

/// How many changes are remembered.
pub(super) const HISTORY: usize = 64;
