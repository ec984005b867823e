use bytes::{Bytes, BytesMut};
use fascine_http::{Body, RetrySafe, Timeouts, TransportError};
use fascine_message::Usage;
use fascine_resilience::{BulkheadPermit, CircuitOpen, CircuitState, Reservation};

use crate::service::admission::Admission;
use crate::service::cost::Cost;
use crate::service::inner::Inner;
use crate::service::on_its_way::OnItsWay;
use crate::service::stage::Stage;
use crate::service::watch::{Step, Watch};
use crate::{ModelFailure, Provider};

/// What an attempt has when it is its turn.
pub(crate) struct Turn {
    pub(crate) written: http::Request<Bytes>,
    pub(crate) reserved: Reservation,
    /// Room among the requests that are on their way.
    pub(crate) place: Option<BulkheadPermit>,
}

impl Inner {
    /// Sends a request once and reads the whole answer.
    pub(crate) async fn exchange<T>(
        &self,
        admission: &Admission,
        cost: &Cost,
        write: impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
        read: impl Fn(&dyn Provider, &[u8]) -> Result<(T, Usage), ModelFailure>,
    ) -> Result<T, ModelFailure> {
        let turn = self.turn(admission, cost, write).await?;
        let permit = match &self.breaker {
            Some(breaker) => Some(breaker.try_acquire().map_err(ModelFailure::CircuitOpen)?),
            None => None,
        };
        let answered = self.answer(admission, cost, turn, read).await;
        if let Some(permit) = permit {
            match &answered {
                Ok(_) => permit.succeeded(),
                Err(failure) if failure.is_outage() => permit.failed(),
                Err(_) => permit.ignored(),
            }
        }
        answered
    }

    async fn answer<T>(
        &self,
        admission: &Admission,
        cost: &Cost,
        turn: Turn,
        read: impl Fn(&dyn Provider, &[u8]) -> Result<(T, Usage), ModelFailure>,
    ) -> Result<T, ModelFailure> {
        let mut watch = Watch::new(&self.rt, self.timeouts);
        let mut on_its_way = self.on_its_way(turn.reserved, cost);
        let sent = self.send(admission, turn.written, &mut on_its_way, &mut watch);
        let body = sent.await?;
        let body = collect(body, self.max_response_bytes, &mut watch).await?;
        let (answer, usage) = read(&*self.provider, &body)?;
        on_its_way.settle(usage);
        Ok(answer)
    }

    /// Waits until a request may be sent: for room, then for the limits, so that what is reserved is sent at once.
    ///
    /// What waits keeps none of the bytes: they are written again.
    pub(crate) async fn turn(
        &self,
        admission: &Admission,
        cost: &Cost,
        write: impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
    ) -> Result<Turn, ModelFailure> {
        self.spending.check()?;
        let mut written = Some(write(&*self.provider)?);
        let place = match &self.bulkhead {
            Some(bulkhead) => match bulkhead.try_acquire() {
                Ok(place) => Some(place),
                Err(_) => {
                    let begin = || {
                        written = None;
                        self.check_limits(cost)?;
                        self.check_breaker()?;
                        Ok(Stage::Concurrency)
                    };
                    let place = admission.wait(bulkhead.acquire(), begin).await?;
                    Some(place.map_err(ModelFailure::Concurrency)?)
                }
            },
            None => None,
        };
        let begin = || {
            written = None;
            self.check_breaker()?;
            Ok(Stage::Limiter {
                number: self.limiter.join_line(),
                cost: *cost,
            })
        };
        let reserved = admission.wait(self.limiter.acquire(cost), begin).await?;
        let reserved = reserved.map_err(ModelFailure::Limited)?;
        let written = match written {
            Some(written) => written,
            None => {
                // Others have spent meanwhile.
                self.spending.check()?;
                write(&*self.provider)?
            }
        };
        Ok(Turn {
            written,
            reserved,
            place,
        })
    }

    /// What can never be sent does not wait for room first.
    fn check_limits(&self, cost: &Cost) -> Result<(), ModelFailure> {
        let cost = cost.named(self.limiter.there());
        let checked = self.limiter.limiter().check(cost.as_slice());
        checked.map_err(ModelFailure::Limited)
    }

    /// Nobody queues for a provider that is down.
    fn check_breaker(&self) -> Result<(), ModelFailure> {
        let Some(breaker) = &self.breaker else {
            return Ok(());
        };
        if !matches!(
            breaker.state(),
            CircuitState::Open | CircuitState::ForcedOpen
        ) {
            return Ok(());
        }
        // It says for how long, unless its time is over: then this call may be the one that finds out.
        let asked: Result<_, CircuitOpen> = breaker.try_acquire();
        asked
            .map(|permit| permit.ignored())
            .map_err(ModelFailure::CircuitOpen)
    }

    /// Sends what was written; gives the body of a success, and reads a refusal.
    pub(crate) async fn send(
        &self,
        admission: &Admission,
        mut written: http::Request<Bytes>,
        on_its_way: &mut OnItsWay,
        watch: &mut Watch,
    ) -> Result<Body, ModelFailure> {
        crate::spans::record_server(&admission.span, written.uri());
        let extensions = written.extensions_mut();
        extensions.insert(RetrySafe);
        // The other times are kept here, on any transport.
        extensions.insert(
            Timeouts::none()
                .with_pool(self.timeouts.pool)
                .with_connect(self.timeouts.connect),
        );
        admission.sends();
        let sent = self.adapts.then(|| self.limiter.sent(self.rt.now()));
        on_its_way.sends();
        let response = match watch.run(self.transport.send(written)).await {
            Ok(response) => response,
            Err(failure) => {
                if let ModelFailure::Transport(error) = &failure
                    && error.is_before_request()
                {
                    on_its_way.refund();
                }
                return Err(failure);
            }
        };
        watch.progress(Step::Body);
        let hints = match response.status().as_u16() {
            429 => self.provider.limits(response.headers()),
            _ if self.adapts => self.provider.limits(response.headers()),
            _ => Vec::new(),
        };
        if response.status().is_success() {
            if let Some(sent) = &sent {
                self.limiter.passed(self.rt.now(), sent, &hints);
            }
            return Ok(response.into_body());
        }
        let (head, body) = response.into_parts();
        let body = match collect(body, MAX_REFUSAL, watch).await {
            Ok(body) => body,
            // What matters is the status.
            Err(ModelFailure::Transport(TransportError::TooLarge { .. })) => Bytes::new(),
            Err(failure) => return Err(failure),
        };
        let mut error = self.provider.error(&head, body);
        if error.status == 429 && error.retry_after.is_none() {
            let used_up = hints.iter().filter(|hint| hint.remaining == Some(0));
            error.retry_after = used_up.filter_map(|hint| hint.reset).max();
        }
        on_its_way.refused();
        let now = self.rt.now();
        if let (429 | 503 | 529, Some(wait)) = (error.status, error.retry_after)
            && let Some(until) = self.rt.deadline_after(wait)
        {
            // The others of this account would be refused too.
            self.limiter.limiter().pause_until(until);
        }
        if let Some(sent) = &sent {
            match error.status {
                429 if error.is_retryable() => {
                    self.limiter.refused(now, sent, error.retry_after, &hints);
                }
                _ => self.limiter.passed(now, sent, &hints),
            }
        }
        Err(error.into())
    }

    pub(crate) fn on_its_way(&self, reserved: Reservation, cost: &Cost) -> OnItsWay {
        OnItsWay::new(reserved, *cost, self.limiter.there())
    }
}

/// Reads a body to its end.
async fn collect(mut body: Body, limit: usize, watch: &mut Watch) -> Result<Bytes, ModelFailure> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(piece) = watch.run(body.chunk()).await? {
        watch.progress(Step::Body);
        if piece.len() > limit.saturating_sub(first.len() + whole.len()) {
            let what = "body";
            return Err(ModelFailure::Transport(TransportError::TooLarge {
                what,
                limit,
            }));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&piece);
    }
    if whole.is_empty() {
        return Ok(first);
    }
    Ok(whole.freeze())
}

/// How much of a refusal is read, in bytes.
const MAX_REFUSAL: usize = 256 * 1024;
