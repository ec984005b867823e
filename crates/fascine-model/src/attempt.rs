use bytes::{Bytes, BytesMut};
use fascine_http::{Body, RetrySafe, Timeouts, TransportError};
use fascine_message::Usage;
use fascine_rt::BoxFuture;

use crate::service::admission::Admission;
use crate::service::cost::Cost;
use crate::service::inner::Inner;
use crate::service::on_its_way::OnItsWay;
use crate::service::steering::Sent;
use crate::service::turn::Turn;
use crate::service::watch::{Step, Watch};
use crate::spans::record_server;
use crate::{ApiError, ModelFailure, Provider};

impl Inner {
    /// Sends a request once and reads the whole answer.
    ///
    /// No `async fn`, which has room for its arguments twice: thousands may wait in here.
    #[expect(clippy::manual_async_fn, reason = "smaller")]
    pub(crate) fn exchange<'a, T: 'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        write: &'a impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
        read: &'a impl Fn(&dyn Provider, &[u8]) -> Result<(T, Usage), ModelFailure>,
    ) -> impl Future<Output = Result<T, ModelFailure>> {
        async move {
            let turn = self.turn(admission, cost, write).await?;
            let permit = match &self.breaker {
                Some(breaker) => Some(breaker.try_acquire().map_err(ModelFailure::CircuitOpen)?),
                None => None,
            };
            // Boxed: whoever still waits for a turn has no room for it.
            let answer = Box::pin(self.converse(admission, cost, turn, write, read)).await;
            if let Some(permit) = permit {
                match &answer {
                    Ok(_) => permit.succeeded(),
                    Err(failure) if failure.is_outage() => permit.failed(),
                    Err(_) => permit.ignored(),
                }
            }
            answer
        }
    }

    /// Sends a request whose turn it is, and reads the answer.
    #[expect(clippy::manual_async_fn, reason = "smaller")]
    fn converse<'a, T: 'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        turn: Turn,
        write: &'a impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
        read: &'a impl Fn(&dyn Provider, &[u8]) -> Result<(T, Usage), ModelFailure>,
    ) -> impl Future<Output = Result<T, ModelFailure>> {
        async move {
            let _place = turn.place;
            let mut watch = Watch::new(&self.alarms, self.timeouts);
            let mut on_its_way = OnItsWay::new(turn.reserved, *cost, self.limiter.there());
            let sent = self.send(admission, write, &mut on_its_way)?;
            let body = self.receive(sent, &mut on_its_way, &mut watch).await?;
            let body = collect(body, self.max_response_bytes, &mut watch).await?;
            let (answer, usage) = read(&*self.provider, &body)?;
            on_its_way.settle(usage);
            Ok(answer)
        }
    }

    /// Writes the request and gives it to the transport.
    pub(crate) fn send(
        &self,
        admission: &Admission,
        write: &impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
        on_its_way: &mut OnItsWay,
    ) -> Result<Sending, ModelFailure> {
        let mut written = write(&*self.provider)?;
        record_server(&admission.span, written.uri());
        let extensions = written.extensions_mut();
        extensions.insert(RetrySafe);
        // The other times are kept here, on any transport.
        extensions.insert(
            Timeouts::none()
                .with_pool(self.timeouts.pool)
                .with_connect(self.timeouts.connect),
        );
        admission.sends();
        on_its_way.sends();
        Ok(Sending {
            steered: self.adapts.then(|| self.limiter.sent(self.rt.now())),
            response: self.transport.send(written),
        })
    }

    /// Waits for the answer; gives the body of a success, and reads a refusal.
    pub(crate) async fn receive(
        &self,
        sending: Sending,
        on_its_way: &mut OnItsWay,
        watch: &mut Watch,
    ) -> Result<Body, ModelFailure> {
        let sent = sending.steered;
        let response = match watch.run(sending.response).await {
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
        // Boxed, as most answers are none.
        let mut error = Box::pin(self.read_refusal(response, watch)).await?;
        if error.status == 429 && error.retry_after.is_none() {
            let used_up = hints.iter().filter(|hint| hint.remaining == Some(0));
            error.retry_after = used_up.filter_map(|hint| hint.reset).max();
        }
        if matches!(error.status, 400..=407 | 409..=499) {
            on_its_way.refused();
        }
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

    async fn read_refusal(
        &self,
        response: http::Response<Body>,
        watch: &mut Watch,
    ) -> Result<ApiError, ModelFailure> {
        let (head, body) = response.into_parts();
        let body = match collect(body, MAX_REFUSAL, watch).await {
            Ok(body) => body,
            // What matters is the status.
            Err(ModelFailure::Transport(TransportError::TooLarge { .. })) => Bytes::new(),
            Err(failure) => return Err(failure),
        };
        Ok(self.provider.error(&head, body))
    }
}

/// A request that the transport has.
pub(crate) struct Sending {
    response: BoxFuture<Result<http::Response<Body>, TransportError>>,
    steered: Option<Sent>,
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
