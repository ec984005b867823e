use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use fascine_http::{Phase, Timeouts, TransportError};

use super::alarms::{Alarm, Alarms};
use crate::ModelFailure;

/// The times that one request must keep, whatever transport it goes by.
///
/// There is one alarm for all of them, set when something has to be waited for, and left alone when it fires too early
/// for a limit that has moved.
pub(crate) struct Watch {
    alarms: Arc<Alarms>,
    limits: Timeouts,
    began: Instant,
    /// Since when somebody waits for this step; whoever reads slowly lets nobody wait.
    since: Option<Instant>,
    step: Step,
    alarm: Option<Alarm>,
}

/// What a request is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The head of the answer.
    Head,
    /// More of the answer.
    Body,
    /// The end of the connection: the provider has said that this was all.
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
    pub(crate) fn new(alarms: &Arc<Alarms>, limits: Timeouts) -> Self {
        let now = alarms.rt.now();
        Self {
            alarms: Arc::clone(alarms),
            limits,
            began: now,
            since: Some(now),
            step: Step::Head,
            alarm: None,
        }
    }

    /// There was progress, and this is what is waited for next.
    pub(crate) fn progress(&mut self, step: Step) {
        self.step = step;
        self.since = None;
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
            if let Some(late) = self.alarm.take_if(|alarm| alarm.fires > at) {
                self.alarms.put_back(late);
            }
            let alarm = self.alarm.get_or_insert_with(|| self.alarms.by(at));
            ready!(alarm.poll(cx));
            let fired = alarm.fires;
            self.alarm = None;
            if fired >= at {
                return Poll::Ready(overdue);
            }
        }
    }

    /// The limit that is next to be passed, and when.
    fn due(&mut self) -> Option<(Instant, Overdue)> {
        let limit = self.limit();
        let step = (limit < Duration::MAX).then(|| {
            let since = *self.since.get_or_insert_with(|| self.alarms.rt.now());
            Some((after(since, limit)?, Overdue::Step(self.step)))
        });
        let step = step.flatten();
        let total = after(self.began, self.limits.total).map(|at| (at, Overdue::Total));
        [step, total]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    fn limit(&self) -> Duration {
        match self.step {
            Step::Head => self.limits.first_byte,
            Step::Body => self.limits.idle,
            Step::Ending => self.limits.idle.min(GRACE),
        }
    }

    pub(crate) fn limits(&self) -> Timeouts {
        self.limits
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.alarms.put_back(alarm);
        }
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
