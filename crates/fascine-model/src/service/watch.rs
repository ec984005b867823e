use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use fascine_http::{Phase, Timeouts, TransportError};
use fascine_rt::{Rt, Sleep};

use crate::ModelFailure;

/// The times that one request must keep, whatever transport it goes by.
///
/// There is one timer for all of them. It is armed when something has to be waited for, and left alone when it fires
/// too early for a limit that has moved: an answer of a thousand pieces arms it a few times.
pub(crate) struct Watch {
    rt: Rt,
    limits: Timeouts,
    began: Instant,
    /// When the phase began, or last made progress.
    since: Instant,
    phase: Step,
    timer: Option<(Instant, Sleep)>,
}

/// What a request is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Waiting for the head of the answer.
    Head,
    /// Reading the answer.
    Body,
    /// The provider has said that this was all; the connection has not ended yet.
    Ending,
}

/// A limit that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    Step(Step),
    Total,
}

impl Watch {
    /// Begins with the head.
    pub(crate) fn new(rt: &Rt, limits: Timeouts) -> Self {
        let now = rt.now();
        Self {
            rt: rt.clone(),
            limits,
            began: now,
            since: now,
            phase: Step::Head,
            timer: None,
        }
    }

    /// There was progress, and now this is waited for.
    pub(crate) fn progress(&mut self, phase: Step) {
        self.phase = phase;
        if self.limit() < Duration::MAX {
            self.since = self.rt.now();
        }
    }

    /// Waits for `work` as long as the limits allow.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, ModelFailure> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done.map_err(ModelFailure::Transport)),
            Poll::Pending => self
                .poll(cx)
                .map(|overdue| Err(overdue.failure(self.limits))),
        })
        .await
    }

    /// Ends when a limit is not kept.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Overdue> {
        loop {
            let Some((at, overdue)) = self.due() else {
                return Poll::Pending;
            };
            let (fires, timer) = match &mut self.timer {
                Some((fires, timer)) if *fires <= at => (*fires, timer),
                timer => {
                    let (fires, timer) = timer.insert((at, self.rt.sleep_until(at)));
                    (*fires, timer)
                }
            };
            ready!(Pin::new(timer).poll(cx));
            self.timer = None;
            if fires >= at {
                return Poll::Ready(overdue);
            }
        }
    }

    /// The limit that is next to be passed, and when.
    fn due(&self) -> Option<(Instant, Overdue)> {
        let step = after(self.since, self.limit()).map(|at| (at, Overdue::Step(self.phase)));
        let total = after(self.began, self.limits.total).map(|at| (at, Overdue::Total));
        [step, total]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    fn limit(&self) -> Duration {
        match self.phase {
            Step::Head => self.limits.first_byte,
            Step::Body => self.limits.idle,
            Step::Ending => self.limits.idle.min(GRACE),
        }
    }

    pub(crate) fn limits(&self) -> Timeouts {
        self.limits
    }
}

impl Overdue {
    pub(crate) fn failure(self, limits: Timeouts) -> ModelFailure {
        let (phase, after) = match self {
            Self::Total => {
                return ModelFailure::Timeout {
                    after: limits.total,
                };
            }
            Self::Step(Step::Head) => (Phase::Head, limits.first_byte),
            Self::Step(Step::Body | Step::Ending) => (Phase::Body, limits.idle),
        };
        ModelFailure::Transport(TransportError::Timeout { phase, after })
    }
}

fn after(since: Instant, limit: Duration) -> Option<Instant> {
    (limit < Duration::MAX)
        .then(|| since.checked_add(limit))
        .flatten()
}

/// How long a connection may take to end once the answer has.
const GRACE: Duration = Duration::from_secs(1);
