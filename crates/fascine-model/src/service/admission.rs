use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use fascine_concurrency::effective_deadline;
use fascine_message::Usage;
use fascine_resilience::{BeforeRetry, BulkheadError, GaveUp, LimitError};
use tracing::Span;

use super::calls::{Key, Wait};
use super::cost::Cost;
use super::inner::Inner;
use super::ledger::Ledger;
use super::stage::Stage;
use crate::spans::{record_embeddings, record_failure, record_response};
use crate::{
    Call, CallRecord, Chunk, Embeddings, ModelError, ModelFailure, Outcome, Response, Stats,
};

/// What part of a call an admission stands for.
pub(crate) enum Part {
    /// The requests that are made for a call which something is round: what they cost counts, they are no call.
    Inside(Arc<Ledger>),
    /// Such a call: it counts, and what it costs is counted inside.
    Outside(Arc<Ledger>),
    /// All of it.
    Whole,
}

/// A call that was let into a service. It is counted when it ends: as cancelled if it is dropped before.
pub(crate) struct Admission {
    pub(crate) service: Arc<Inner>,
    pub(crate) model: Arc<str>,
    key: Key,
    pub(crate) part: Part,
    began: Instant,
    /// In nanoseconds.
    queue_wait: AtomicU64,
    attempts: AtomicU32,
    first_token: Option<Duration>,
    /// The ambient deadline, when it first had to wait.
    deadline: OnceLock<Option<Instant>>,
    pub(crate) span: Span,
    /// What it may cost, of what all may: the bits of the amount that is reserved.
    reserved: AtomicU64,
    is_over: bool,
}

impl Admission {
    pub(crate) fn new(service: &Arc<Inner>, model: Arc<str>, key: Key, span: Span) -> Self {
        Self {
            service: Arc::clone(service),
            model,
            key,
            part: Part::Whole,
            began: service.rt.now(),
            queue_wait: AtomicU64::new(0),
            attempts: AtomicU32::new(0),
            first_token: None,
            deadline: OnceLock::new(),
            span,
            reserved: AtomicU64::new(0),
            is_over: false,
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn call(&self) -> Call<'_> {
        Call::new(self.key.id, self.service.provider.name(), &self.model)
    }

    /// Runs what the call does, until it is done or the service is closed.
    ///
    /// It is pinned already: what is given to it by value would be moved once more.
    pub(crate) fn run<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = Result<T, ModelError>>>,
    ) -> impl Future<Output = Result<T, ModelError>> {
        let mut watching = None;
        poll_fn(move |cx| {
            if self.is_cancelled() {
                return Poll::Ready(Err(self.closed()));
            }
            let _entered = self.span.enter();
            match work.as_mut().poll(cx) {
                Poll::Pending if self.watch(&mut watching, cx.waker()) => {
                    Poll::Ready(Err(self.closed()))
                }
                polled => polled,
            }
        })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.service.calls.is_cancelled(self.key.generation)
    }

    /// Has `waker` woken when the service is closed; whether it is already. `watching` is who is woken so far.
    pub(crate) fn watch(&self, watching: &mut Option<Waker>, waker: &Waker) -> bool {
        if watching
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            return self.is_cancelled();
        }
        self.deadline.get_or_init(effective_deadline);
        *watching = Some(waker.clone());
        self.service.calls.watch(self.key, waker.clone())
    }

    pub(crate) fn closed(&self) -> ModelError {
        ModelError::new(ModelFailure::Closed, self.attempts())
    }

    /// Waits for `room`. If that is not ready at once, `begin` says what for, or why not to wait.
    ///
    /// A first attempt finds only so many places to wait in; one that was sent before keeps its own.
    pub(crate) fn wait<T>(
        &self,
        mut room: Pin<&mut impl Future<Output = T>>,
        begin: impl FnOnce() -> Result<Stage, ModelFailure>,
    ) -> impl Future<Output = Result<T, ModelFailure>> {
        let mut begin = Some(begin);
        // Given up with the future.
        let mut place = None;
        poll_fn(move |cx| {
            if let Poll::Ready(room) = room.as_mut().poll(cx) {
                return Poll::Ready(Ok(room));
            }
            if let Some(begin) = begin.take() {
                match begin().and_then(|stage| self.begin_wait(stage)) {
                    Ok(taken) => place.get_or_insert(taken),
                    Err(failure) => return Poll::Ready(Err(failure)),
                };
            }
            Poll::Pending
        })
    }

    fn begin_wait(&self, stage: Stage) -> Result<Place<'_>, ModelFailure> {
        let place = Place {
            admission: self,
            number: match stage {
                Stage::Limiter { number, .. } => Some(number),
                _ => None,
            },
            since: self.service.rt.now(),
        };
        let wait = Wait {
            since: place.since,
            stage,
        };
        let capacity = match self.attempts() {
            0 => self.service.queue_capacity,
            _ => usize::MAX,
        };
        self.tell(&wait);
        if self.service.calls.begin_wait(self.key, wait, capacity) {
            return Ok(place);
        }
        Err(ModelFailure::Limited(LimitError::QueueFull { capacity }))
    }

    /// A request failed, and the next is not made at once.
    pub(crate) fn backs_off(&self, failure: &ModelFailure, before: &BeforeRetry) {
        for hooks in &self.service.hooks {
            hooks.retry(&self.call(), failure, before.delay);
        }
        let now = self.service.rt.now();
        let until = now.checked_add(before.delay).unwrap_or(now);
        let stage = match failure {
            ModelFailure::CircuitOpen(_) => Stage::Breaker { until },
            _ => Stage::Backoff { until },
        };
        let wait = Wait { since: now, stage };
        self.tell(&wait);
        self.service.calls.begin_wait(self.key, wait, usize::MAX);
    }

    /// Says in the log why it waits.
    fn tell(&self, wait: &Wait) {
        if tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
            let why = self.service.explain(wait);
            let until = why.until().map(|until| {
                let left = until.saturating_duration_since(self.service.rt.now());
                u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
            });
            tracing::debug!(
                target: TARGET,
                call = self.key.id,
                why = why.as_str(),
                until_ms = until,
                "the call waits: {why}"
            );
        }
    }

    /// An attempt begins.
    pub(crate) fn attempt_begins(&self, number: u32) {
        if number > 1 {
            self.service.calls.end_wait(self.key);
        }
    }

    /// Reserves what the call may cost; one that is repeated keeps what it has.
    pub(crate) fn reserve_cost(&self, estimate: &Cost) -> Result<(), ModelFailure> {
        let spending = &self.service.spending;
        if spending.is_bounded() && self.reserved.load(Ordering::Relaxed) == 0 {
            let amount = spending.reserve(&self.model, estimate)?;
            self.reserved.store(amount.to_bits(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// A request is about to be sent.
    pub(crate) fn sends(&self) {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let of_call = match &self.part {
            Part::Inside(ledger) => ledger.sends(1),
            Part::Outside(_) | Part::Whole => number,
        };
        for hooks in &self.service.hooks {
            hooks.attempt(&self.call(), of_call);
        }
        self.service.calls.count(|stats| {
            stats.requests += 1;
            stats.retries += u64::from(number > 1);
        });
    }

    /// How many requests were sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// An answer took so many requests, whoever sent them.
    pub(crate) fn takes(&self, attempts: u32) {
        self.attempts.store(attempts, Ordering::Relaxed);
    }

    /// The first piece of the answer is there.
    pub(crate) fn first_token(&mut self) {
        let now = self.service.rt.now();
        self.first_token = Some(now.saturating_duration_since(self.began));
    }

    /// A piece is about to be given out.
    pub(crate) fn gives_out(&self, chunk: &Chunk) {
        if self.is_inside() {
            return;
        }
        for hooks in &self.service.hooks {
            hooks.chunk(&self.call(), chunk);
        }
    }

    /// Whether anybody looks at the answer when it has ended.
    pub(crate) fn wants_response(&self) -> bool {
        !self.is_inside() && (!self.service.hooks.is_empty() || !self.span.is_disabled())
    }

    fn is_inside(&self) -> bool {
        matches!(self.part, Part::Inside(_))
    }

    /// The call ends with an answer.
    pub(crate) fn answered(mut self, usage: Usage, response: Option<&Response>) {
        if let Some(response) = response
            && !self.is_inside()
        {
            record_response(&self.span, response, self.service.traces_content);
        }
        let mut record = self.record(Outcome::Answered);
        record.usage = usage;
        record.cost = self.settle(usage);
        self.end(&record, response.map(Ok));
    }

    /// The call ends with embeddings.
    pub(crate) fn embedded(self, embeddings: &Embeddings) {
        record_embeddings(&self.span, embeddings);
        for hooks in &self.service.hooks {
            hooks.embedded(&self.call(), embeddings);
        }
        self.answered(embeddings.usage, None);
    }

    /// The call ends with an error; `usage` is what it has cost all the same.
    pub(crate) fn failed(mut self, error: &ModelError, usage: Usage) {
        if let Part::Outside(_) = self.part {
            self.takes(error.attempts());
        }
        if !self.is_inside() {
            record_failure(&self.span, error.failure());
        }
        let record = self.with_usage(usage, outcome(error));
        self.end(&record, Some(Err(error)));
    }

    /// Nobody waits for it any more; `usage` is what it has cost all the same.
    pub(crate) fn cancelled(&mut self, usage: Usage) {
        if self.is_over {
            return;
        }
        if let Part::Outside(ledger) = &self.part {
            self.takes(ledger.requests());
        }
        let deadline = self.deadline.get().copied().flatten();
        let outcome = match deadline {
            Some(deadline) if deadline <= self.service.rt.now() => Outcome::Deadline,
            _ => Outcome::Cancelled,
        };
        let record = self.with_usage(usage, outcome);
        self.end(&record, None);
    }

    fn with_usage(&self, usage: Usage, outcome: Outcome) -> CallRecord {
        let mut record = self.record(outcome);
        record.usage = usage;
        if !usage.is_empty() {
            record.cost = self.settle(usage);
        }
        record
    }

    /// Counts what it cost, unless that was counted inside; what that is, if it is known.
    fn settle(&self, usage: Usage) -> Option<f64> {
        let spending = &self.service.spending;
        match &self.part {
            Part::Inside(ledger) => {
                let cost = spending.settle(&self.model, usage);
                ledger.costs(cost);
                cost
            }
            Part::Outside(_) if usage.is_empty() => None,
            // Of a call that others share, another ledger may have it.
            Part::Outside(ledger) => ledger.cost().or_else(|| spending.price(&self.model, usage)),
            Part::Whole => spending.settle(&self.model, usage),
        }
    }

    fn record(&self, outcome: Outcome) -> CallRecord {
        let now = self.service.rt.now();
        let latency = now.saturating_duration_since(self.began);
        let mut record = CallRecord::new(outcome, latency);
        record.queue_wait = Duration::from_nanos(self.queue_wait.load(Ordering::Relaxed));
        record.first_token = self.first_token;
        record.attempts = self.attempts();
        match &self.part {
            Part::Inside(ledger) => ledger.waited(record.queue_wait),
            Part::Outside(ledger) => {
                record.queue_wait = ledger.queue_wait();
                record.cached = outcome == Outcome::Answered && record.attempts == 0;
            }
            Part::Whole => {}
        }
        record
    }

    fn end(&mut self, record: &CallRecord, result: Option<Result<&Response, &ModelError>>) {
        self.is_over = true;
        let reserved = self.reserved.swap(0, Ordering::Relaxed);
        self.service.spending.release(f64::from_bits(reserved));
        let metrics = &self.service.metrics;
        match self.part {
            Part::Inside(_) => {
                metrics.record_requests(record.attempts);
                metrics.record_usage(record.usage, record.cost);
            }
            Part::Outside(_) => metrics.record_call(record),
            Part::Whole => metrics.record(record),
        }
        self.service
            .calls
            .leave(self.key, |stats| self.count(record, stats));
        if self.is_inside() {
            return;
        }
        for hooks in &self.service.hooks {
            hooks.ended(&self.call(), record, result);
        }
    }

    fn count(&self, record: &CallRecord, stats: &mut Stats) {
        if !matches!(self.part, Part::Outside(_)) {
            stats.usage += record.usage;
        }
        if self.is_inside() {
            return;
        }
        match record.outcome {
            Outcome::Answered => stats.answered += 1,
            Outcome::Cancelled => stats.cancelled += 1,
            Outcome::Deadline => stats.deadline += 1,
            Outcome::Failed(_) => stats.failed += 1,
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.cancelled(Usage::default());
    }
}

/// A place in a queue.
struct Place<'a> {
    admission: &'a Admission,
    number: Option<u64>,
    since: Instant,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let service = &self.admission.service;
        if let Some(number) = self.number {
            service.limiter.leave_line(number);
        }
        service.calls.end_wait(self.admission.key);
        let waited = service.rt.now().saturating_duration_since(self.since);
        let waited = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.admission
            .queue_wait
            .fetch_add(waited, Ordering::Relaxed);
    }
}

fn outcome(error: &ModelError) -> Outcome {
    match error.failure() {
        ModelFailure::Concurrency(BulkheadError::Deadline)
        | ModelFailure::Limited(LimitError::Deadline { .. }) => Outcome::Deadline,
        _ if error.reason() == Some(GaveUp::Deadline) => Outcome::Deadline,
        failure => Outcome::Failed(failure.kind()),
    }
}

const TARGET: &str = "fascine_model";
