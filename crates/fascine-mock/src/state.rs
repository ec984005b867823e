use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fascine_rt::Rt;
use http::{Request, header};

use crate::builder::MockServerBuilder;
use crate::clock::{Clock, millis_rounded_up};
use crate::endpoint::Endpoint;
use crate::hash::share;
use crate::log::{Log, Outcome, Served};
use crate::problem::{Problem, ProblemKind};
use crate::quota::{Quota, Refusal, Standing};
use crate::reply::{Reply, ReplyBody};
use crate::said::Said;
use crate::speech::{self, Request as Spoken};
use crate::{Api, Arrival, Fault, error_shape, keys, quota_headers};

/// What all connections of a server share, and what decides their replies.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rt: Rt,
    pub(crate) settings: MockServerBuilder,
    clock: Clock,
    arrived: AtomicU64,
    aborted: AtomicU64,
    is_faultless: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Debug)]
struct Shared {
    log: Log,
    /// One for each key.
    quotas: Vec<Quota>,
    in_flight: usize,
    most_in_flight: usize,
    answered: u64,
    faulted: u64,
    refused: u64,
    rejected: u64,
}

/// What happens to a request.
#[derive(Debug)]
pub(crate) struct Decision {
    /// How long it takes to answer.
    pub(crate) after: Duration,
    pub(crate) reply: Reply,
    pub(crate) fault: Option<Fault>,
    /// A place among the requests at once, until the answer is sent.
    pub(crate) place: Option<Place>,
}

impl State {
    pub(crate) fn new(rt: Rt, settings: MockServerBuilder) -> Self {
        let keys = settings.keys.len().max(1);
        let quota = || Quota::new(settings.requests, settings.tokens);
        let shared = Shared {
            log: Log::new(settings.log_capacity),
            quotas: (0..keys).map(|_| quota()).collect(),
            in_flight: 0,
            most_in_flight: 0,
            answered: 0,
            faulted: 0,
            refused: 0,
            rejected: 0,
        };
        Self {
            clock: Clock::new(rt.now(), settings.wall_clock),
            rt,
            settings,
            arrived: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            is_faultless: AtomicBool::new(false),
            shared: Mutex::new(shared),
        }
    }

    /// Gives a request its number.
    pub(crate) fn arrive(&self) -> u64 {
        self.arrived.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// A client has left before its answer was sent.
    pub(crate) fn abort(&self) {
        self.aborted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn aborted(&self) -> u64 {
        self.aborted.load(Ordering::Relaxed)
    }

    pub(crate) fn stop_faults(&self) {
        self.is_faultless.store(true, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> [u64; 4] {
        let shared = self.shared();
        [
            shared.answered,
            shared.faulted,
            shared.refused,
            shared.rejected,
        ]
    }

    pub(crate) fn in_flight(&self) -> (usize, usize) {
        let shared = self.shared();
        (shared.in_flight, shared.most_in_flight)
    }

    pub(crate) fn read_log<T>(&self, read: impl FnOnce(&Log) -> T) -> T {
        read(&self.shared().log)
    }

    pub(crate) fn may_reset(&self) -> bool {
        !self.is_faultless.load(Ordering::Relaxed) && self.settings.may_reset()
    }

    /// Whether the connection of the request with this number is reset before it is read.
    pub(crate) fn resets(&self, number: u64) -> bool {
        let resets = self.settings.fault_by_number(number) == Some(&Fault::Reset);
        if resets {
            self.shared().faulted += 1;
        }
        resets
    }

    pub(crate) fn too_large(&self, request: &Request<()>) -> Reply {
        let api = match Endpoint::find(request.method(), request.uri(), request.headers()) {
            Ok(endpoint) => endpoint.api,
            Err((api, _)) => api,
        };
        self.shared().rejected += 1;
        error_shape::reply(api, &Problem::of_status(413))
    }

    pub(crate) fn decide(self: &Arc<Self>, number: u64, request: &Request<Vec<u8>>) -> Decision {
        let now = self.rt.now();
        let (api, key, read) = self.read(request);
        let (outcome, tokens, mut decision) = match read {
            Ok(spoken) => self.admit(number, now, api, key, &spoken),
            Err(problem) => (
                Outcome::Rejected,
                0,
                at_once(error_shape::reply(api, &problem)),
            ),
        };
        self.count(Served {
            number,
            at: now,
            api,
            key,
            tokens,
            outcome,
        });
        self.sign(&mut decision.reply, api, number, now);
        decision
    }

    /// Finds out what is asked, and by whom.
    fn read(&self, request: &Request<Vec<u8>>) -> (Api, usize, Result<Spoken, Problem>) {
        let (uri, headers) = (request.uri(), request.headers());
        let endpoint = match Endpoint::find(request.method(), uri, headers) {
            Ok(endpoint) => endpoint,
            Err((api, problem)) => return (api, 0, Err(problem)),
        };
        let api = endpoint.api;
        let key = match keys::check(&self.settings.keys, api, headers, uri) {
            Ok(key) => key,
            Err(problem) => return (api, 0, Err(problem)),
        };
        let version = headers.contains_key("anthropic-version");
        let spoken = if api == Api::Anthropic && !version {
            Err(Problem::missing("anthropic-version"))
        } else {
            speech::read(endpoint, request.body())
        };
        let known = spoken.and_then(|spoken| match spoken.model() {
            Some(model) if !self.settings.knows(model) => Err(Problem::no_model(model)),
            _ => Ok(spoken),
        });
        (api, key, known)
    }

    /// Lets a request through, or refuses it; whatever it is, its answer is ready then.
    fn admit(
        self: &Arc<Self>,
        number: u64,
        now: Instant,
        api: Api,
        key: usize,
        spoken: &Spoken,
    ) -> (Outcome, u64, Decision) {
        let seed = self.settings.seed;
        if !spoken.uses_quota() {
            let reply = spoken.reply(seed, None, &self.settings.listed_models());
            return (Outcome::Answered, 0, at_once(reply));
        }
        let said = spoken
            .ask()
            .map(|ask| Said::new(&self.settings.answers, seed, ask));
        let tokens = match &said {
            Some(said) => said.total_tokens(),
            None => spoken.prompt_tokens(),
        };
        let (taken, standing) = self.take(now, key, tokens);
        let place = match taken {
            Ok(place) => place,
            Err(problem) => {
                let mut reply = error_shape::reply(api, &problem);
                self.tell_quota(&mut reply, api, standing, now);
                return (Outcome::Refused, tokens, at_once(reply));
            }
        };
        let asked = spoken.ask().map_or("", |ask| ask.asked.as_str());
        let arrival = Arrival {
            number,
            api,
            stream: spoken.ask().is_some_and(|ask| ask.stream),
            asked,
        };
        let fault = match self.is_faultless.load(Ordering::Relaxed) {
            true => None,
            false => self.settings.fault(&arrival),
        };
        let mut reply = spoken.reply(seed, said.as_ref(), &[]);
        let outcome = match &fault {
            None => Outcome::Answered,
            Some(fault) => {
                befall(api, fault, &mut reply);
                Outcome::Faulted
            }
        };
        self.tell_quota(&mut reply, api, standing, now);
        let decision = Decision {
            after: self.latency(asked),
            reply,
            fault,
            place: Some(place),
        };
        (outcome, tokens, decision)
    }

    /// A place among the requests at once, and the quota's leave.
    fn take(
        self: &Arc<Self>,
        now: Instant,
        key: usize,
        tokens: u64,
    ) -> (Result<Place, Problem>, Standing) {
        let mut shared = self.shared();
        let most = self
            .settings
            .concurrency
            .map_or(usize::MAX, NonZeroUsize::get);
        if shared.in_flight >= most {
            let message = format!("There are {most} requests on their way already.");
            let problem = Problem::new(429, ProblemKind::RateRequests, message);
            return (Err(problem), Standing::default());
        }
        let standing = match shared.quotas.get_mut(key) {
            Some(quota) => quota.check(now, tokens),
            None => Standing::default(),
        };
        if let Some(refusal) = standing.refused {
            return (Err(self.above_quota(refusal)), standing);
        }
        shared.in_flight += 1;
        shared.most_in_flight = shared.most_in_flight.max(shared.in_flight);
        let state = Arc::clone(self);
        (Ok(Place { state }), standing)
    }

    fn above_quota(&self, refusal: Refusal) -> Problem {
        let kind = match refusal.of_tokens {
            true => ProblemKind::RateTokens,
            false => ProblemKind::RateRequests,
        };
        let hint = refusal.wait.filter(|_| !self.settings.hides_quota);
        let message = match (refusal.wait, hint) {
            (None, _) => "The request is larger than the whole quota.".to_owned(),
            (_, Some(wait)) => {
                let millis = millis_rounded_up(wait);
                format!("Rate limit reached. Please try again in {millis}ms.")
            }
            (_, None) => "Rate limit reached.".to_owned(),
        };
        let mut problem = Problem::new(429, kind, message);
        problem.retry_after = hint;
        problem
    }

    fn tell_quota(&self, reply: &mut Reply, api: Api, standing: Standing, now: Instant) {
        if !self.settings.hides_quota {
            quota_headers::add(reply, api, standing, &self.clock, now);
        }
    }

    /// Date and number, as every answer has them.
    fn sign(&self, reply: &mut Reply, api: Api, number: u64, now: Instant) {
        reply.set_text(header::DATE.as_str(), &self.clock.http_date(now));
        let id = format!("req_{:08x}_{number}", self.settings.seed);
        match api {
            Api::Anthropic => reply.set_text("request-id", &id),
            Api::OpenAi | Api::OpenAiResponses => reply.set_text("x-request-id", &id),
            Api::Gemini | Api::Ollama => {}
        }
    }

    fn count(&self, served: Served) {
        let mut shared = self.shared();
        match served.outcome {
            Outcome::Answered => shared.answered += 1,
            Outcome::Faulted => shared.faulted += 1,
            Outcome::Refused => shared.refused += 1,
            Outcome::Rejected => shared.rejected += 1,
        }
        shared.log.push(served);
    }

    /// Within the range, and the same whenever the same is asked.
    fn latency(&self, asked: &str) -> Duration {
        let Some(range) = &self.settings.latency else {
            return Duration::ZERO;
        };
        let (from, to) = (*range.start(), *range.end());
        from + to
            .saturating_sub(from)
            .mul_f64(share(self.settings.seed, asked))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the requests that are on their way.
#[derive(Debug)]
pub(crate) struct Place {
    state: Arc<State>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.state.shared().in_flight -= 1;
    }
}

fn at_once(reply: Reply) -> Decision {
    Decision {
        after: Duration::ZERO,
        reply,
        fault: None,
        place: None,
    }
}

/// The faults that have the form of the API.
fn befall(api: Api, fault: &Fault, reply: &mut Reply) {
    match fault {
        Fault::ErrorAtEvent(at) => {
            let problem = Problem::of_status(529);
            match &mut reply.body {
                ReplyBody::Events(events) => {
                    events.truncate(*at);
                    events.push(error_shape::frame(api, &problem));
                }
                ReplyBody::Whole(_) => *reply = error_shape::reply(api, &problem),
            }
        }
        Fault::Status(status) => *reply = error_shape::reply(api, &Problem::of_status(*status)),
        Fault::TooManyRequests { retry_after } => {
            let mut problem = Problem::of_status(429);
            problem.retry_after = Some(*retry_after);
            *reply = error_shape::reply(api, &problem);
        }
        _ => {}
    }
}
