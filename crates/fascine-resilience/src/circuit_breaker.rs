mod builder;
mod changes;
mod circuit_machine;
mod circuit_open;
mod core;
mod machine;
mod metrics;
#[cfg(all(test, any(loom, shuttle)))]
mod model;
mod permit;
mod probes;
mod settings;
mod state;
mod window;
mod word;

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fascine_rt::Rt;

pub use builder::CircuitBreakerBuilder;
pub use changes::StateChanges;
pub use circuit_machine::{Admission, CircuitMachine};
pub use circuit_open::{CircuitError, CircuitOpen, Refusal};
pub use metrics::CircuitMetrics;
pub use permit::{OwnedPermit, Permit};
pub use settings::{OnCancel, Over};
pub use state::{ChangeCause, CircuitState, StateChange};

use self::core::{Admitted, Core};
use crate::sync::atomic::Ordering::Relaxed;
use settings::Settings;

/// Stops calling a service that is down, and finds out when it is back.
///
/// Closed, it lets every call through and watches them. When too many fail it opens, and refuses calls at once with
/// [`CircuitOpen`]: the caller need not wait for a failure, and the service need not answer. After a time it is
/// half-open: a call or two go through as probes, and decide whether it closes or opens again.
///
/// Each service, or each part of one that fails alone, has a breaker of its own; clones are the same breaker. Do not
/// put one around what is local and cannot be down, or around calls so rare that no failure follows another.
///
/// The way through a closed breaker takes no lock, allocates nothing and, unless calls are timed, reads no clock.
///
/// - A probe is a [`Permit`]: dropped, cancelled, excluded or forgotten, it never keeps the breaker half-open for ever.
/// - What was let through in an earlier state says nothing about the present one.
/// - The clock is the runtime's, which never goes back.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{CircuitBreaker, CircuitError};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let breaker = CircuitBreaker::new(&rt, "search");
/// for _ in 0..5 {
///     let answer = breaker.call(|| async { Err::<(), _>("down") }).await;
///     assert_eq!(answer, Err(CircuitError::Failed("down")));
/// }
/// let Err(CircuitError::Open(open)) = breaker.call(|| async { Ok::<_, &str>(1) }).await else {
///     panic!("nobody was asked");
/// };
/// let retry_after = open.retry_after.expect("nobody opened it by hand");
/// assert_eq!(retry_after, Duration::from_secs(30));
///
/// rt.sleep(retry_after).await;
/// assert_eq!(breaker.call(|| async { Ok::<_, &str>(1) }).await, Ok(1));
/// # });
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    inner: Arc<Inner>,
}

struct Inner {
    rt: Rt,
    machine: CircuitMachine,
}

impl Inner {
    #[inline]
    fn core(&self) -> &Core {
        &self.machine.core
    }
}

impl CircuitBreaker {
    /// Makes a closed breaker with the settings of [`CircuitBreakerBuilder`].
    #[must_use]
    pub fn new(rt: &Rt, name: &str) -> Self {
        Self::of(rt.clone(), name.into(), Settings::DEFAULT)
    }

    /// Begins the settings of a breaker.
    pub fn builder(rt: &Rt, name: &str) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::begin(rt.clone(), name)
    }

    fn of(rt: Rt, name: Arc<str>, settings: Settings) -> Self {
        let machine = CircuitMachine::new(name, settings, rt.now());
        Self {
            inner: Arc::new(Inner { rt, machine }),
        }
    }

    /// Makes a call if it is let through; every error counts as a failure.
    ///
    /// # Errors
    ///
    /// [`CircuitError::Open`] if the call was not made, [`CircuitError::Failed`] if it was and failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, and what that means is [`OnCancel`]'s to say; so is a panic of the call.
    #[inline]
    pub fn call<T, E, F>(
        &self,
        call: impl FnOnce() -> F,
    ) -> impl Future<Output = Result<T, CircuitError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_when(call, |_| true)
    }

    /// Makes a call if it is let through; an error counts as a failure if `counts` says so, and says nothing about the
    /// service otherwise.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_resilience::CircuitBreaker;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let breaker = CircuitBreaker::builder(&rt, "search").consecutive_failures(1).build()?;
    /// let call = || async { Err::<(), _>(404) };
    /// let answer = breaker.call_when(call, |status| *status >= 500).await;
    /// assert_eq!(answer.unwrap_err().into_failed(), Some(404));
    /// assert!(breaker.try_acquire().is_ok(), "it is still closed");
    /// # Ok::<_, fascine_resilience::SettingError>(())
    /// # }).unwrap();
    /// ```
    #[inline]
    pub async fn call_when<T, E, F>(
        &self,
        call: impl FnOnce() -> F,
        counts: impl FnOnce(&E) -> bool,
    ) -> Result<T, CircuitError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut permit = match self.try_acquire() {
            Ok(permit) => permit,
            Err(open) => return Err(CircuitError::Open(open)),
        };
        match call().await {
            Ok(value) => {
                permit.0.succeeded();
                Ok(value)
            }
            Err(error) => {
                match counts(&error) {
                    true => permit.0.failed(),
                    false => permit.0.ignored(),
                }
                Err(CircuitError::Failed(error))
            }
        }
    }

    /// Asks for leave to make one call, and for being told what came of it.
    ///
    /// # Errors
    ///
    /// [`CircuitOpen`] if it is not to be made.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, CircuitOpen> {
        match self.inner.core().admit_closed() {
            Some(admitted) => Ok(Permit::new(&self.inner, admitted)),
            None => Ok(Permit::new(&self.inner, self.admit()?)),
        }
    }

    /// The same as [`try_acquire`](Self::try_acquire), for a permit that goes elsewhere.
    ///
    /// # Errors
    ///
    /// [`CircuitOpen`] if the call is not to be made.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, CircuitOpen> {
        Ok(OwnedPermit::new(self.clone(), self.admit()?))
    }

    #[cold]
    fn admit(&self) -> Result<Admitted, CircuitOpen> {
        self.inner.machine.admit(self.inner.rt.now())
    }

    /// The name it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.machine.name
    }

    /// The state it is in; an open one becomes half-open by the first call after its time.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        self.inner.machine.state()
    }

    /// What it has done so far.
    #[must_use]
    pub fn metrics(&self) -> CircuitMetrics {
        let core = self.inner.core();
        let now = self.inner.rt.now();
        let (state, changes, last) = core.with_machine(|machine| {
            let last = machine.history.back().map(|change| change.at);
            (machine.state, machine.changes, last)
        });
        let counters = &core.counters;
        CircuitMetrics {
            successes: counters.successes.load(Relaxed),
            failures: counters.failures.load(Relaxed),
            ignored: counters.ignored.load(Relaxed),
            rejected: counters.rejected.load(Relaxed),
            slow: counters.slow.load(Relaxed),
            changes,
            state,
            since: last.map_or(Duration::ZERO, |at| now.saturating_duration_since(at)),
        }
    }

    /// The last changes of state, 64 at most, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<StateChange> {
        self.inner.machine.history()
    }

    /// The changes of state from now on, as they come.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_resilience::{CircuitBreaker, CircuitState};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let breaker = CircuitBreaker::new(&rt, "search");
    /// let mut changes = breaker.changes();
    /// breaker.force_open();
    /// assert_eq!(changes.next().await.to, CircuitState::ForcedOpen);
    /// # });
    /// ```
    pub fn changes(&self) -> StateChanges {
        StateChanges::new(self.clone())
    }

    /// Opens it for its time to recover, as if calls had failed.
    pub fn trip(&self) {
        self.ask(CircuitState::Open);
    }

    /// Refuses every call until it is told otherwise.
    pub fn force_open(&self) {
        self.ask(CircuitState::ForcedOpen);
    }

    /// Lets every call through until it is told otherwise, and goes on counting.
    pub fn force_closed(&self) {
        self.ask(CircuitState::ForcedClosed);
    }

    /// Lets every call through and counts nothing until it is told otherwise.
    pub fn disable(&self) {
        self.ask(CircuitState::Disabled);
    }

    /// Closes it, and forgets what led to where it was.
    pub fn reset(&self) {
        self.ask(CircuitState::Closed);
    }

    fn ask(&self, state: CircuitState) {
        self.inner.machine.ask(state, self.inner.rt.now());
    }
}

impl Borrow<Inner> for CircuitBreaker {
    fn borrow(&self) -> &Inner {
        &self.inner
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.inner.machine.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
