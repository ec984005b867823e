use std::sync::Arc;
use std::time::Instant;

use super::core::{Admitted, Core};
use super::settings::Settings;
use crate::{CircuitBreakerBuilder, CircuitOpen, CircuitState, StateChange};

/// The state machine of a [`CircuitBreaker`](crate::CircuitBreaker), told what time it is.
///
/// It has no runtime, no clock and no future: a test, a simulation or a loop of your own drives it by hand. A breaker is
/// this and a clock. In programs that have an [`Rt`](fascine_rt::Rt), use that: its permits know when they are dropped.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{CircuitMachine, CircuitState};
/// use std::time::{Duration, Instant};
///
/// let second = Duration::from_secs(1);
/// let start = Instant::now();
/// let machine = CircuitMachine::builder("search")
///     .consecutive_failures(2)
///     .recovery_time(30 * second)
///     .build_at(start)?;
///
/// for _ in 0..2 {
///     let admission = machine.try_acquire(start)?;
///     machine.failed(admission, start + second);
/// }
/// let open = machine.try_acquire(start + 11 * second).unwrap_err();
/// assert_eq!(open.retry_after, Some(20 * second));
///
/// let probe = machine.try_acquire(start + 31 * second)?;
/// assert!(probe.is_probe());
/// machine.succeeded(probe, start + 32 * second);
/// assert_eq!(machine.state(), CircuitState::Closed);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CircuitMachine {
    pub(super) name: Arc<str>,
    pub(super) core: Core,
}

/// The leave of a [`CircuitMachine`] to make one call, to be told of when that has ended.
///
/// Dropping it tells nothing. A probe that nobody tells of is given up when its lease ends.
#[derive(Debug)]
#[must_use = "the machine does not see it dropped: say what became of the call"]
pub struct Admission(Admitted);

impl CircuitMachine {
    /// Begins the settings of a machine.
    pub fn builder(name: &str) -> CircuitBreakerBuilder<()> {
        CircuitBreakerBuilder::begin((), name)
    }

    pub(super) fn new(name: Arc<str>, settings: Settings, now: Instant) -> Self {
        let core = Core::new(settings, now);
        Self { name, core }
    }

    /// Asks for leave to make one call.
    ///
    /// # Errors
    ///
    /// [`CircuitOpen`] if it is not to be made.
    pub fn try_acquire(&self, now: Instant) -> Result<Admission, CircuitOpen> {
        self.admit(now).map(Admission)
    }

    pub(super) fn admit(&self, now: Instant) -> Result<Admitted, CircuitOpen> {
        let admitted = self.core.admit(now);
        admitted.map_err(|(reason, retry_after)| CircuitOpen {
            name: Arc::clone(&self.name),
            retry_after,
            reason,
        })
    }

    /// The call was answered as it should be.
    pub fn succeeded(&self, admission: Admission, now: Instant) {
        self.core.succeeded(&admission.0, || now);
    }

    /// The call failed, or was answered as it should not be.
    pub fn failed(&self, admission: Admission, now: Instant) {
        self.core.failed(admission.0, now);
    }

    /// The call ended in a way that says nothing about the service.
    pub fn ignored(&self, admission: Admission, now: Instant) {
        self.core.ignored(admission.0, || now);
    }

    /// The call was given up: see [`OnCancel`](crate::OnCancel).
    pub fn cancelled(&self, admission: Admission, now: Instant) {
        self.core.cancelled(admission.0, || now);
    }

    /// Goes to a state because somebody wants it: [`Open`](CircuitState::Open) for its time to recover, the forced ones
    /// and [`Disabled`](CircuitState::Disabled) until the next call of this; every other state closes it.
    pub fn ask(&self, state: CircuitState, now: Instant) {
        let state = match state {
            CircuitState::HalfOpen => CircuitState::Closed,
            state => state,
        };
        self.core.ask(state, now);
    }

    /// The state it is in; an open one becomes half-open by the first call after its time.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        self.core.with_machine(|machine| machine.state)
    }

    /// The last changes of state, 64 at most, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<StateChange> {
        let copied =
            |machine: &mut super::machine::Machine| machine.history.iter().copied().collect();
        self.core.with_machine(copied)
    }
}

impl Admission {
    /// Whether it is to find out if the service is back.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.0.probe().is_some()
    }
}
