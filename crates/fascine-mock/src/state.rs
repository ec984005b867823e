use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fascine_rt::Rt;
use http::{Request, header};

use crate::builder::MockServerBuilder;
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::hash::share;
use crate::ledger::{Ledger, Place};
use crate::log::{Outcome, Served};
use crate::problem::Problem;
use crate::quota::Standing;
use crate::reply::Reply;
use crate::said::Said;
use crate::speech::{self, Request as Spoken};
use crate::{Api, Arrival, Fault, api_fault, error_shape, keys, quota_headers};

/// What all connections of a server share, and what decides their replies.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rt: Rt,
    pub(crate) settings: MockServerBuilder,
    clock: Clock,
    arrived: AtomicU64,
    aborted: AtomicU64,
    is_faultless: AtomicBool,
    pub(crate) ledger: Arc<Ledger>,
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
        Self {
            clock: Clock::new(rt.now(), settings.wall_clock),
            ledger: Ledger::new(&settings),
            rt,
            settings,
            arrived: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            is_faultless: AtomicBool::new(false),
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

    pub(crate) fn may_reset(&self) -> bool {
        !self.is_faultless.load(Ordering::Relaxed) && self.settings.may_reset()
    }

    /// Whether the connection of the request with this number is reset before it is read.
    pub(crate) fn resets(&self, number: u64) -> bool {
        let resets = self.settings.fault_by_number(number) == Some(&Fault::Reset);
        if resets {
            self.ledger.count(Outcome::Faulted);
        }
        resets
    }

    pub(crate) fn too_large(&self, request: &Request<()>) -> Reply {
        let api = match Endpoint::find(request.method(), request.uri(), request.headers()) {
            Ok(endpoint) => endpoint.api,
            Err((api, _)) => api,
        };
        self.ledger.count(Outcome::Rejected);
        error_shape::reply(api, &Problem::of_status(413))
    }

    pub(crate) fn decide(&self, number: u64, request: &Request<Vec<u8>>) -> Decision {
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
        self.ledger.enter(Served {
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
        &self,
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
        let (taken, standing) = self.ledger.admit(now, key, tokens);
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
                api_fault::befall(api, fault, &mut reply);
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
}

fn at_once(reply: Reply) -> Decision {
    Decision {
        after: Duration::ZERO,
        reply,
        fault: None,
        place: None,
    }
}
