//! A provider's end of the line, played from a script: what each request gets, piece by piece.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fascine::http::{Body, Phase, Timeouts, Transport, TransportError};
use fascine::message::Message;
use fascine::model::{ModelError, ModelService, ModelServiceBuilder, OpenAi, Request};
use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::{BoxFuture, Rt, Sleep};
use futures_lite::Stream;

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn question(text: &str) -> Request {
    Request::new([Message::user(text)])
}

/// Clones play the same script.
#[derive(Clone, Debug)]
pub(super) struct Script(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rt: Rt,
    acts: Mutex<VecDeque<Act>>,
    otherwise: Act,
    log: Mutex<Vec<Sent>>,
    open: Arc<AtomicUsize>,
    peak: AtomicUsize,
    read: AtomicUsize,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) timeouts: Option<Timeouts>,
}

/// What a request gets.
#[derive(Clone, Debug)]
pub(super) struct Act {
    status: u16,
    headers: Vec<(&'static str, String)>,
    after: Duration,
    pieces: Vec<Piece>,
    /// No head at all.
    lost: bool,
}

/// What comes next of a body.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Break,
    Bytes(Bytes),
    Hang,
    Wait(Duration),
}

impl Act {
    pub(super) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self::pieces(status, [Piece::Bytes(body.into())])
    }

    pub(super) fn pieces(status: u16, pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            after: Duration::ZERO,
            pieces: pieces.into_iter().collect(),
            lost: false,
        }
    }

    /// A whole answer of 3 tokens to a question of 7.
    pub(super) fn answer(text: &str) -> Self {
        let text = serde_json::to_string(text).unwrap();
        Self::new(
            200,
            format!(
                r#"{{"id":"a","model":"m","choices":[{{"message":{{"content":{text}}},"finish_reason":"stop"}}],
                "usage":{{"prompt_tokens":7,"completion_tokens":3}}}}"#
            ),
        )
    }

    pub(super) fn refusal(status: u16) -> Self {
        Self::new(status, r#"{"error":{"message":"no"}}"#)
    }

    /// The connection breaks before anything of an answer comes.
    pub(super) fn lost() -> Self {
        Self {
            lost: true,
            ..Self::new(200, "")
        }
    }

    /// Nothing is ever heard.
    pub(super) fn silence() -> Self {
        Self::new(200, "").after(Duration::MAX)
    }

    pub(super) fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// The events of a stream of these words, with usage and the last line, each on its own.
pub(super) fn events(words: &[&str]) -> Vec<Piece> {
    let mut events =
        vec![r#"{"id":"s","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#.to_owned()];
    for word in words {
        let word = serde_json::to_string(word).unwrap();
        events.push(format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":{word}}}}}]}}"#
        ));
    }
    events.push(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned());
    events.push(r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#.to_owned());
    events.push("[DONE]".to_owned());
    let events = events.into_iter().map(|event| format!("data: {event}\n\n"));
    events.map(|event| Piece::Bytes(event.into())).collect()
}

impl Script {
    /// Plays these acts in turn, and then `otherwise`.
    pub(super) fn new(rt: &Rt, acts: impl IntoIterator<Item = Act>, otherwise: Act) -> Self {
        Self(Arc::new(Shared {
            rt: rt.clone(),
            acts: Mutex::new(acts.into_iter().collect()),
            otherwise,
            log: Mutex::default(),
            open: Arc::default(),
            peak: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
        }))
    }

    /// The requests so far.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.0.log.lock().unwrap().clone()
    }

    /// How many exchanges are under way.
    pub(super) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// How many were under way at once, at most.
    pub(super) fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    /// How many pieces of bodies were read.
    pub(super) fn read(&self) -> usize {
        self.0.read.load(Ordering::SeqCst)
    }

    /// A service that is answered by it; it makes 4 attempts, after 100 ms, 200 ms and so on.
    pub(super) fn service(
        &self,
        settings: impl FnOnce(ModelServiceBuilder) -> ModelServiceBuilder,
    ) -> ModelService {
        let rt = &self.0.rt;
        let backoff = Backoff::exponential(ms(100)).with_jitter(Jitter::None);
        let retry = Retry::new(rt)
            .with_attempts(NonZeroU32::new(4).unwrap())
            .with_backoff(backoff);
        let provider = OpenAi::new("http://127.0.0.1/v1", "m").unwrap();
        let builder = ModelService::builder(rt, provider, self.clone()).retry(retry);
        settings(builder).build().unwrap()
    }
}

impl Transport for Script {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<Result<http::Response<Body>, TransportError>> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let act = shared.acts.lock().unwrap().pop_front();
            let act = act.unwrap_or_else(|| shared.otherwise.clone());
            shared.log.lock().unwrap().push(Sent {
                at: shared.rt.now(),
                timeouts: request.extensions().get().copied(),
            });
            let open = Open::new(&shared.open);
            shared
                .peak
                .fetch_max(shared.open.load(Ordering::SeqCst), Ordering::SeqCst);
            if !act.after.is_zero() {
                shared.rt.sleep(act.after).await;
            }
            if act.lost {
                return Err(TransportError::ClosedBeforeResponse);
            }
            let mut response = http::Response::builder().status(act.status);
            for (name, value) in act.headers {
                response = response.header(name, value);
            }
            let body = Body::from_stream(Pieces {
                shared: Arc::clone(&shared),
                pieces: act.pieces.into(),
                timer: None,
                _open: open,
            });
            Ok(response.body(body).unwrap())
        })
    }
}

struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Pieces {
    shared: Arc<Shared>,
    pieces: VecDeque<Piece>,
    timer: Option<Sleep>,
    _open: Open,
}

impl Stream for Pieces {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(timer) = &mut this.timer {
                ready!(Pin::new(timer).poll(cx));
                this.timer = None;
            }
            match this.pieces.pop_front() {
                None => return Poll::Ready(None),
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => {
                    this.shared.read.fetch_add(1, Ordering::SeqCst);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Some(Piece::Break) => {
                    return Poll::Ready(Some(Err(TransportError::Io {
                        phase: Phase::Body,
                        source: io::ErrorKind::ConnectionReset.into(),
                    })));
                }
                Some(Piece::Hang) => {
                    this.pieces.push_front(Piece::Hang);
                    return Poll::Pending;
                }
                Some(Piece::Wait(wait)) => this.timer = Some(this.shared.rt.sleep(wait)),
            }
        }
    }
}

/// The error's kind, for a look at what it is.
pub(super) fn kind(error: &ModelError) -> &'static str {
    error.failure().kind()
}
