use std::sync::Arc;

use bytes::Bytes;
use fascine_concurrency::fail_after;
use fascine_http::{Body, RetrySafe, TransportError};
use fascine_message::Usage;
use fascine_resilience::Reservation;

use crate::estimate::estimate;
use crate::failure::ModelFailure;
use crate::service::Inner;
use crate::stream::ServiceStream;
use crate::{Delivery, EstimatedTokens, Request, Response};

impl Inner {
    /// Sends a request once and reads the whole answer.
    pub(crate) async fn invoke_once(
        &self,
        request: &Request,
        attempt: u32,
    ) -> Result<Response, ModelFailure> {
        let written = self.provider.request(request, Delivery::Whole)?;
        let reserved = self.reserve(request).await?;
        let exchange = async {
            let (body, on_its_way) = self.send(written, reserved, attempt).await?;
            let body = body.collect(self.max_response_bytes).await;
            let response = self
                .provider
                .response(&body.map_err(ModelFailure::Transport)?)?;
            on_its_way.settle(response.usage);
            Ok(response)
        };
        match fail_after(&self.rt, self.timeout, exchange).await {
            Ok(response) => response,
            Err(_) => Err(ModelFailure::Timeout {
                after: self.timeout,
            }),
        }
    }

    /// Sends a request once and waits for the answer to begin.
    pub(crate) async fn open_stream(
        this: &Arc<Self>,
        request: &Request,
        attempt: u32,
    ) -> Result<ServiceStream, ModelFailure> {
        let written = this.provider.request(request, Delivery::Stream)?;
        let reserved = this.reserve(request).await?;
        let sent = this.send(written, reserved, attempt);
        match fail_after(&this.rt, this.timeout, sent).await {
            Ok(sent) => {
                let (body, on_its_way) = sent?;
                Ok(ServiceStream::new(Arc::clone(this), body, on_its_way))
            }
            Err(_) => Err(ModelFailure::Timeout {
                after: this.timeout,
            }),
        }
    }

    async fn reserve(&self, request: &Request) -> Result<Reservation, ModelFailure> {
        let mut cost = Vec::new();
        if self.limits_requests {
            cost.push((REQUESTS, 1));
        }
        if self.limits_tokens {
            cost.push((TOKENS, estimate(&EstimatedTokens, request)));
        }
        self.limiter
            .acquire(&cost)
            .await
            .map_err(ModelFailure::Limited)
    }

    /// Sends what was written; gives the body of a success, and reads a refusal.
    async fn send(
        &self,
        mut written: http::Request<Bytes>,
        reserved: Reservation,
        attempt: u32,
    ) -> Result<(Body, OnItsWay), ModelFailure> {
        written.extensions_mut().insert(RetrySafe);
        let on_its_way = OnItsWay {
            reserved: Some(reserved),
            settles_tokens: self.limits_tokens,
        };
        self.counters.sent(attempt);
        let response = match self.transport.send(written).await {
            Ok(response) => response,
            Err(error) => {
                if error.is_before_request() {
                    on_its_way.refund();
                }
                return Err(ModelFailure::Transport(error));
            }
        };
        if response.status().is_success() {
            return Ok((response.into_body(), on_its_way));
        }
        let (head, body) = response.into_parts();
        let body = match body.collect(MAX_REFUSAL).await {
            Ok(body) => body,
            // What matters is the status.
            Err(TransportError::TooLarge { .. }) => Bytes::new(),
            Err(error) => return Err(ModelFailure::Transport(error)),
        };
        let error = self.provider.error(&head, body);
        if let (429 | 503 | 529, Some(wait)) = (error.status, error.retry_after)
            && let Some(until) = self.rt.deadline_after(wait)
        {
            // The others of this service would be refused too.
            self.limiter.pause_until(until);
        }
        Err(error.into())
    }
}

/// The reservation of a request that has been sent: whatever becomes of it, it counts.
pub(crate) struct OnItsWay {
    reserved: Option<Reservation>,
    settles_tokens: bool,
}

impl OnItsWay {
    /// Corrects the estimate to what the provider counted, if it did.
    pub(crate) fn settle(mut self, usage: Usage) {
        if let Some(reserved) = self.reserved.take() {
            if self.settles_tokens && usage.total() > 0 {
                // The name is one of the limiter's own.
                let _ = reserved.settle(&[(TOKENS, usage.total())]);
            } else {
                reserved.commit();
            }
        }
    }

    /// Gives everything back: it was not sent after all.
    fn refund(mut self) {
        self.reserved = None;
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            reserved.commit();
        }
    }
}

pub(crate) const REQUESTS: &str = "requests";
pub(crate) const TOKENS: &str = "tokens";
/// How much of a refusal is read, in bytes.
const MAX_REFUSAL: usize = 256 * 1024;
