use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fascine_http::Net;
use fascine_rt::Rt;

use crate::quota::Limit;
use crate::state::State;
use crate::{Answer, Arrival, Fault, MockError, MockServer, Script};

/// The settings of a [`MockServer`].
///
/// # Defaults
///
/// - seed 0, no latency, no quota, no limit on requests at once, no faults
/// - an answer that says something about the prompt, or what the request demands: a call of the tool it requires, a
///   document that fits its schema
/// - no key is asked for; every model exists
/// - the latest 65,536 requests are in the log; the server was started on 2023-11-14
#[derive(Clone, Debug)]
pub struct MockServerBuilder {
    pub(crate) seed: u64,
    pub(crate) latency: Option<RangeInclusive<Duration>>,
    pub(crate) event_delay: Duration,
    pub(crate) requests: Option<Limit>,
    pub(crate) tokens: Option<Limit>,
    pub(crate) hides_quota: bool,
    pub(crate) concurrency: Option<NonZeroUsize>,
    pub(crate) keys: Vec<String>,
    pub(crate) answers: Vec<(String, Answer)>,
    pub(crate) wall_clock: SystemTime,
    pub(crate) log_capacity: usize,
    models: Vec<String>,
    faults: Vec<(When, Fault)>,
    scripts: Vec<Script>,
}

impl Default for MockServerBuilder {
    fn default() -> Self {
        Self {
            seed: 0,
            latency: None,
            event_delay: Duration::ZERO,
            requests: None,
            tokens: None,
            hides_quota: false,
            concurrency: None,
            keys: Vec::new(),
            answers: Vec::new(),
            wall_clock: SystemTime::UNIX_EPOCH + Duration::from_secs(crate::openai::CREATED),
            log_capacity: 65_536,
            models: Vec::new(),
            faults: Vec::new(),
            scripts: Vec::new(),
        }
    }
}

/// Which requests a fault befalls.
#[derive(Clone, Debug)]
enum When {
    /// The one with this number, from 1.
    Nth(u64),
    /// Those whose last words from the user's side contain this.
    Contains(String),
}

impl MockServerBuilder {
    /// Sets what answers and latencies are derived from.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes each answer take a time within `range`, which depends on the seed and on what was asked.
    #[must_use]
    pub fn with_latency(mut self, range: RangeInclusive<Duration>) -> Self {
        self.latency = Some(range);
        self
    }

    /// Pauses so long between the events of a stream.
    #[must_use]
    pub fn with_event_delay(mut self, delay: Duration) -> Self {
        self.event_delay = delay;
        self
    }

    /// Lets at most `requests` pass in any stretch of time as long as `per`, for each key; more get a 429 that says when
    /// to come back.
    #[must_use]
    pub fn with_quota(mut self, requests: NonZeroU32, per: Duration) -> Self {
        let amount = requests.into();
        self.requests = Some(Limit { amount, per });
        self
    }

    /// Lets at most so many tokens pass in any stretch of time as long as `per`, prompts and answers together, for each
    /// key.
    #[must_use]
    pub fn with_token_quota(mut self, tokens: NonZeroU64, per: Duration) -> Self {
        let amount = tokens;
        self.tokens = Some(Limit { amount, per });
        self
    }

    /// Says nothing about quotas: no headers, and refusals without a time to come back.
    #[must_use]
    pub fn with_hidden_quota(mut self) -> Self {
        self.hides_quota = true;
        self
    }

    /// Answers at most so many requests at once; more get a 429.
    #[must_use]
    pub fn with_concurrency_limit(mut self, requests: NonZeroUsize) -> Self {
        self.concurrency = Some(requests);
        self
    }

    /// Asks for a key: this one, or one of the others that were added. Each has a quota of its own.
    #[must_use]
    pub fn with_api_key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Adds a model. Where there is one, others do not exist.
    #[must_use]
    pub fn with_model(mut self, name: impl Into<String>) -> Self {
        self.models.push(name.into());
        self
    }

    /// Answers `answer` when the last message by the user, or the last result of a tool, contains `when`. The first rule
    /// that fits is the one.
    #[must_use]
    pub fn with_answer(mut self, when: impl Into<String>, answer: impl Into<Answer>) -> Self {
        self.answers.push((when.into(), answer.into()));
        self
    }

    /// Lets the fault befall the request with number `nth`, from 1, in the order they arrive.
    #[must_use]
    pub fn with_fault(mut self, nth: u64, fault: Fault) -> Self {
        self.faults.push((When::Nth(nth), fault));
        self
    }

    /// Lets the fault befall every request whose last user message, or last result of a tool, contains `when`.
    #[must_use]
    pub fn with_fault_when(mut self, when: impl Into<String>, fault: Fault) -> Self {
        self.faults.push((When::Contains(when.into()), fault));
        self
    }

    /// Adds a script of faults. The first that has one for a request is the one, and the faults above come before.
    #[must_use]
    pub fn with_script(mut self, script: Script) -> Self {
        self.scripts.push(script);
        self
    }

    /// Sets the time of day at which the server starts, for the dates in its headers: it reads no clock but the
    /// runtime's.
    #[must_use]
    pub fn with_wall_clock(mut self, now: SystemTime) -> Self {
        self.wall_clock = now;
        self
    }

    /// Sets how many requests the log holds; the oldest go first.
    #[must_use]
    pub fn with_log_capacity(mut self, requests: usize) -> Self {
        self.log_capacity = requests;
        self
    }

    /// Starts the server: its tasks and timers run on `rt`, its connections come from `net`. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`MockError::Bind`] when the address cannot be listened at, [`MockError::ResetByContent`] when a
    /// [`Fault::Reset`] is to depend on what a request says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the port again.
    pub async fn start(
        self,
        rt: &Rt,
        net: impl Net,
        address: SocketAddr,
    ) -> Result<MockServer, MockError> {
        for (when, fault) in &self.faults {
            if let (When::Contains(text), Fault::Reset) = (when, fault) {
                return Err(MockError::ResetByContent { when: text.clone() });
            }
        }
        let bind = |source| MockError::Bind { address, source };
        let listener = net.listen(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let state = Arc::new(State::new(rt.clone(), self));
        Ok(MockServer::serve(state, listener, address))
    }

    pub(crate) fn knows(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|known| known == model)
    }

    pub(crate) fn listed_models(&self) -> Vec<String> {
        match self.models.is_empty() {
            true => vec!["mock".to_owned()],
            false => self.models.clone(),
        }
    }

    pub(crate) fn may_reset(&self) -> bool {
        let by_number = self.faults.iter().any(|(_, fault)| *fault == Fault::Reset);
        by_number || self.scripts.iter().any(Script::may_reset)
    }

    /// The fault for a request of which nothing is known but its number.
    pub(crate) fn fault_by_number(&self, number: u64) -> Option<&Fault> {
        let mut faults = self.faults.iter();
        let listed = faults.find(|(when, _)| matches!(when, When::Nth(nth) if *nth == number));
        let listed = listed.map(|(_, fault)| fault);
        listed.or_else(|| {
            self.scripts
                .iter()
                .find_map(|script| script.by_number(number))
        })
    }

    pub(crate) fn fault(&self, arrival: &Arrival<'_>) -> Option<Fault> {
        let fits = |when: &When| match when {
            When::Contains(text) => arrival.asked.contains(text),
            When::Nth(number) => *number == arrival.number,
        };
        let listed = self.faults.iter().find(|(when, _)| fits(when));
        match listed {
            Some((_, fault)) => Some(fault.clone()),
            None => self.scripts.iter().find_map(|script| script.fault(arrival)),
        }
    }
}
