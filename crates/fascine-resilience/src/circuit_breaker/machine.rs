use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_concurrency::Event;

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
    /// The probes under way, and when each lease ends: `None` for never.
    probes: Vec<(NonZeroU64, Option<Instant>)>,
    next_probe: NonZeroU64,
    probe_successes: u32,
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
            probes: Vec::new(),
            next_probe: NonZeroU64::MIN,
            probe_successes: 0,
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
    ) -> Result<Option<NonZeroU64>, (Refusal, Duration)> {
        if self.state == CircuitState::HalfOpen
            && let Some(end) = self.probes.iter().filter_map(|(_, end)| *end).min()
            && end <= now
        {
            // As if somebody had watched the clock.
            self.open(end, ChangeCause::ProbeLost, settings);
        }
        if self.state == CircuitState::Open {
            let Some(until) = self.open_until else {
                return Err((Refusal::Open, Duration::MAX));
            };
            if now < until {
                // By a clock that was read before it opened it would be longer than it is.
                return Err((Refusal::Open, (until - now).min(self.open_for)));
            }
            self.change(CircuitState::HalfOpen, ChangeCause::Recovery, now);
        }
        match self.state {
            CircuitState::Closed | CircuitState::Disabled | CircuitState::ForcedClosed => Ok(None),
            CircuitState::ForcedOpen => Err((Refusal::Forced, Duration::MAX)),
            CircuitState::HalfOpen | CircuitState::Open => {
                // What counts is how many were placed: those that succeeded keep their place.
                let placed = self.probes.len() as u64 + u64::from(self.probe_successes);
                if placed >= u64::from(settings.half_open_max_calls) {
                    return Err((Refusal::ProbeInFlight, Duration::ZERO));
                }
                let probe = self.next_probe;
                self.next_probe = probe.saturating_add(1);
                self.probes.push((probe, now.checked_add(settings.lease())));
                Ok(Some(probe))
            }
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
                self.probes.retain(|(id, _)| Some(*id) != probe);
                let Ended::Call(call) = ended else { return };
                if call.failed || call.slow {
                    self.open(now, ChangeCause::ProbeFailed, settings);
                    return;
                }
                self.probe_successes += 1;
                if self.probe_successes >= settings.success_threshold {
                    self.close(
                        CircuitState::Closed,
                        ChangeCause::ProbesSucceeded,
                        now,
                        settings,
                    );
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
        self.probe_successes = 0;
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
