use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_message::Usage;

use super::distribution::{Spread, micros};
use super::snapshot::MetricsSnapshot;

/// Counts calls, by what they came to.
///
/// However many there are, it takes some 100 KiB. Clones count together, so several services can share one.
///
/// ```
/// use fascine_message::Usage;
/// use fascine_model::{CallRecord, Metrics, Outcome};
/// use std::time::Duration;
///
/// let metrics = Metrics::new();
/// for millis in 1..=100 {
///     let mut call = CallRecord::new(Outcome::Answered, Duration::from_millis(millis));
///     call.usage = Usage::new(10, 5);
///     metrics.record(&call);
/// }
/// metrics.record(&CallRecord::new(Outcome::Failed("rate_limited"), Duration::from_millis(3)));
///
/// let seen = metrics.snapshot();
/// assert_eq!((seen.calls, seen.answered, seen.errors["rate_limited"]), (101, 100, 1));
/// assert_eq!(seen.usage.total(), 1500);
/// assert!(seen.latency.p50.abs_diff(Duration::from_millis(50)) < Duration::from_millis(1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Recorder>>);

/// What there is to say of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallRecord {
    /// What it came to.
    pub outcome: Outcome,
    /// From the call to its end.
    pub latency: Duration,
    /// How much of it was spent waiting for limits, before any request was sent and between them.
    pub queue_wait: Duration,
    /// From the call to the first piece of the answer, of a stream.
    pub first_token: Option<Duration>,
    /// How many requests it took.
    pub attempts: u32,
    /// The tokens of the answer.
    pub usage: Usage,
    /// What it cost, by the price table, if that knows the model.
    pub cost: Option<f64>,
    /// Whether no request was needed, because the answer was known, or another call's is shared.
    pub cached: bool,
}

/// What a call came to: exactly one of these.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// There was an answer.
    Answered,
    /// Nobody waited for it any more.
    Cancelled,
    /// Its deadline came first.
    Deadline,
    /// It failed, in this way: see [`ModelFailure::kind`](crate::ModelFailure::kind).
    Failed(&'static str),
}

impl CallRecord {
    /// Makes the record of a call of one request, of which nothing else is known.
    #[must_use]
    pub fn new(outcome: Outcome, latency: Duration) -> Self {
        Self {
            outcome,
            latency,
            queue_wait: Duration::ZERO,
            first_token: None,
            attempts: 1,
            usage: Usage::default(),
            cost: None,
            cached: false,
        }
    }

    /// The tokens of the answer by the time it was being made, in tokens per second; of a stream, from its first piece.
    #[must_use]
    pub fn tokens_per_second(&self) -> Option<f64> {
        let making = self.latency
            - self
                .first_token
                .unwrap_or(self.queue_wait)
                .min(self.latency);
        let tokens = self.usage.completion_tokens;
        (tokens > 0 && !making.is_zero()).then(|| tokens as f64 / making.as_secs_f64())
    }
}

impl Metrics {
    /// Makes empty counts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a call.
    pub fn record(&self, call: &CallRecord) {
        self.lock().record(call);
    }

    /// Counts a call whose requests, tokens and cost are counted by themselves.
    pub(crate) fn record_call(&self, call: &CallRecord) {
        self.lock().record_call(call);
    }

    /// Counts the requests of something that is no call by itself.
    pub(crate) fn record_requests(&self, attempts: u32) {
        self.lock().record_requests(attempts);
    }

    /// Counts tokens of something that is no call by itself.
    pub(crate) fn record_usage(&self, usage: Usage, cost: Option<f64>) {
        self.lock().record_usage(usage, cost);
    }

    /// What has been counted so far.
    #[must_use]
    pub fn snapshot(&self) -> MetricsSnapshot {
        self.lock().read()
    }

    /// What has been counted so far; counts from nothing again.
    pub fn take(&self) -> MetricsSnapshot {
        let mut recorder = self.lock();
        let snapshot = recorder.read();
        recorder.clear();
        snapshot
    }

    fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Recorder {
    totals: MetricsSnapshot,
    latency: Spread,
    queue_wait: Spread,
    first_token: Spread,
    tokens_per_second: Spread,
}

impl Default for Recorder {
    fn default() -> Self {
        let times = || Spread::up_to(DAY);
        Self {
            totals: MetricsSnapshot::default(),
            latency: times(),
            queue_wait: times(),
            first_token: times(),
            tokens_per_second: Spread::up_to(FASTEST),
        }
    }
}

impl Recorder {
    fn record(&mut self, call: &CallRecord) {
        self.record_call(call);
        self.record_requests(call.attempts);
        self.record_usage(call.usage, call.cost);
    }

    fn record_requests(&mut self, attempts: u32) {
        self.totals.requests += u64::from(attempts);
        self.totals.retries += u64::from(attempts.saturating_sub(1));
    }

    fn record_usage(&mut self, usage: Usage, cost: Option<f64>) {
        self.totals.usage += usage;
        match cost {
            Some(cost) => self.totals.cost += cost,
            None => self.totals.unpriced += u64::from(!usage.is_empty()),
        }
    }

    fn record_call(&mut self, call: &CallRecord) {
        let totals = &mut self.totals;
        totals.calls += 1;
        match call.outcome {
            Outcome::Answered => totals.answered += 1,
            Outcome::Cancelled => totals.cancelled += 1,
            Outcome::Deadline => totals.deadline += 1,
            Outcome::Failed(kind) => {
                totals.failed += 1;
                *totals.errors.entry(kind).or_default() += 1;
            }
        }
        totals.cached += u64::from(call.cached);
        self.latency.record(in_micros(call.latency));
        self.queue_wait.record(in_micros(call.queue_wait));
        if let Some(wait) = call.first_token {
            self.first_token.record(in_micros(wait));
        }
        if let Some(speed) = call.tokens_per_second() {
            self.tokens_per_second.record((speed * TENTHS) as u64);
        }
    }

    fn read(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            latency: self.latency.read(micros),
            queue_wait: self.queue_wait.read(micros),
            first_token: self.first_token.read(micros),
            tokens_per_second: self.tokens_per_second.read(|tenths| tenths / TENTHS),
            ..self.totals.clone()
        }
    }

    fn clear(&mut self) {
        self.totals = MetricsSnapshot {
            errors: BTreeMap::new(),
            ..MetricsSnapshot::default()
        };
        self.latency.clear();
        self.queue_wait.clear();
        self.first_token.clear();
        self.tokens_per_second.clear();
    }
}

fn in_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The longest time that is told from a longer one, in microseconds.
const DAY: u64 = 24 * 3600 * 1_000_000;
/// Speeds are counted in tenths of a token per second, up to this.
const FASTEST: u64 = 10_000_000;
const TENTHS: f64 = 10.0;
