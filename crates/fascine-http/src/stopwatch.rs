use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use fascine_rt::{Rt, Sleep};
use futures_lite::future;

use crate::{Phase, Timeouts, TransportError};

/// Holds one request to its time-outs.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    rt: Rt,
    timeouts: Timeouts,
    /// When the time for the whole is over; `None` is never.
    end: Option<Instant>,
}

/// A point in time, and what is late by then.
#[derive(Clone, Copy, Debug)]
struct Limit {
    at: Instant,
    phase: Phase,
    after: Duration,
}

impl Stopwatch {
    pub(crate) fn start(rt: &Rt, timeouts: Timeouts) -> Self {
        Self {
            rt: rt.clone(),
            timeouts,
            end: rt.deadline_after(timeouts.total),
        }
    }

    /// Gives a phase the time it has.
    pub(crate) async fn within<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let expired = async {
            // Reached only if the work has to wait: what is ready at once reads no clock and arms no timer.
            match self.limit(phase, None) {
                Some(limit) => {
                    self.rt.sleep_until(limit.at).await;
                    Err(limit.error())
                }
                None => pending().await,
            }
        };
        future::or(work, expired).await
    }

    /// What ends a phase that began at `since`, or now: its own limit, or that of the whole.
    fn limit(&self, phase: Phase, since: Option<Instant>) -> Option<Limit> {
        let after = match phase {
            Phase::Pool => self.timeouts.pool,
            Phase::Connect => self.timeouts.connect,
            Phase::Head => self.timeouts.first_byte,
            Phase::Body => self.timeouts.idle,
            Phase::Total => self.timeouts.total,
        };
        let own = match (since, after) {
            (_, Duration::MAX) => None,
            (Some(since), _) => since.checked_add(after),
            (None, _) => self.rt.deadline_after(after),
        };
        let own = own.map(|at| Limit { at, phase, after });
        let whole = self.end.map(|at| Limit {
            at,
            phase: Phase::Total,
            after: self.timeouts.total,
        });
        own.into_iter().chain(whole).min_by_key(|limit| limit.at)
    }
}

impl Limit {
    fn error(self) -> TransportError {
        TransportError::Timeout {
            phase: self.phase,
            after: self.after,
        }
    }
}

/// Notices when a body pauses for too long.
pub(crate) struct PauseTimer {
    watch: Stopwatch,
    /// Since when somebody waits for the next piece.
    waiting: Option<Instant>,
    timer: Option<Sleep>,
}

impl PauseTimer {
    pub(crate) fn new(watch: Stopwatch) -> Self {
        Self {
            watch,
            waiting: None,
            timer: None,
        }
    }

    /// A piece has come.
    pub(crate) fn reset(&mut self) {
        // The timer stays armed: moving it for every piece of a stream would cost more than one that rings in vain.
        self.waiting = None;
    }

    /// Waits until the body has paused for too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<TransportError> {
        let Stopwatch { rt, timeouts, end } = &self.watch;
        if timeouts.idle == Duration::MAX && end.is_none() {
            return Poll::Pending;
        }
        let waiting = *self.waiting.get_or_insert_with(|| rt.now());
        loop {
            let Some(limit) = self.watch.limit(Phase::Body, Some(waiting)) else {
                return Poll::Pending;
            };
            let timer = self
                .timer
                .get_or_insert_with(|| self.watch.rt.sleep_until(limit.at));
            ready!(Pin::new(timer).poll(cx));
            self.timer = None;
            if self.watch.rt.now() >= limit.at {
                return Poll::Ready(limit.error());
            }
        }
    }
}
