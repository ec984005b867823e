use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use fascine_resilience::OwnedPermit;
use futures_core::Stream;

use crate::service::admission::Admission;
use crate::service::cost::Cost;
use crate::service::incoming::{Incoming, Source};
use crate::service::inner::Inner;
use crate::service::on_its_way::OnItsWay;
use crate::service::turn::Turn;
use crate::service::watch::Watch;
use crate::{Chunk, Delivery, ModelError, ModelFailure, Provider, Request};

impl Inner {
    /// Sends a request once and waits for the first of the answer: until it is there, another request may be made.
    #[expect(clippy::manual_async_fn, reason = "smaller, see `exchange`")]
    pub(crate) fn open<'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        request: &'a Request,
    ) -> impl Future<Output = Result<Box<Incoming>, ModelFailure>> {
        async move {
            let write = |provider: &dyn Provider| provider.request(request, Delivery::Stream);
            let turn = self.turn(admission, cost, &write).await?;
            let permit = match &self.breaker {
                Some(breaker) => {
                    let permit = breaker.try_acquire_owned();
                    Some(permit.map_err(ModelFailure::CircuitOpen)?)
                }
                None => None,
            };
            // Boxed: whoever still waits for a turn has no room for it.
            Box::pin(self.begin(admission, cost, &write, turn, permit)).await
        }
    }

    /// Sends a request whose turn it is, and waits for the first of the answer.
    async fn begin(
        &self,
        admission: &Admission,
        cost: &Cost,
        write: &impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
        turn: Turn,
        permit: Option<OwnedPermit>,
    ) -> Result<Box<Incoming>, ModelFailure> {
        let mut watch = Watch::new(&self.alarms, self.timeouts);
        let mut on_its_way = OnItsWay::new(turn.reserved, *cost, self.limiter.there());
        let sent = self.send(admission, write, &mut on_its_way)?;
        let body = match self.receive(sent, &mut on_its_way, &mut watch).await {
            Ok(body) => body,
            Err(failure) => {
                if let Some(permit) = permit {
                    match failure.is_outage() {
                        true => permit.failed(),
                        false => permit.ignored(),
                    }
                }
                return Err(failure);
            }
        };
        let source = Source {
            body,
            watch,
            on_its_way,
            permit,
            _place: turn.place,
            left: self.max_response_bytes,
            limit: self.max_response_bytes,
        };
        let mut incoming = Box::new(Incoming::new(self.provider.decoder(), source));
        incoming.begin().await?;
        Ok(incoming)
    }
}

/// The answer of a service in pieces.
pub(crate) struct ServiceStream {
    /// `None` after the end.
    admission: Option<Admission>,
    incoming: Box<Incoming>,
    watching: Option<Waker>,
}

impl ServiceStream {
    pub(crate) fn new(admission: Admission, incoming: Box<Incoming>) -> Self {
        Self {
            admission: Some(admission),
            incoming,
            watching: None,
        }
    }

    fn answered(&mut self, admission: Admission) {
        let usage = self.incoming.usage();
        let so_far = self.incoming.so_far();
        if admission.wants_response() {
            let mut response = so_far.clone().into_response();
            response.attempts = admission.attempts();
            admission.answered(usage, Some(&response));
        } else {
            admission.answered(usage, None);
        }
    }

    fn failed(&mut self, admission: Admission, failure: ModelFailure) -> ModelError {
        let error = ModelError::new(failure, admission.attempts());
        admission.failed(&error, self.incoming.usage());
        error
    }
}

impl Stream for ServiceStream {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(admission) = this.admission.take() else {
            return Poll::Ready(None);
        };
        if admission.is_cancelled() {
            let failure = this.incoming.abort(ModelFailure::Closed);
            return Poll::Ready(Some(Err(this.failed(admission, failure))));
        }
        let span = admission.span.clone();
        let _entered = span.enter();
        match this.incoming.poll_chunk(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                admission.gives_out(&chunk);
                this.admission = Some(admission);
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(failure))) => {
                Poll::Ready(Some(Err(this.failed(admission, failure))))
            }
            Poll::Ready(None) => {
                this.answered(admission);
                Poll::Ready(None)
            }
            Poll::Pending if admission.watch(&mut this.watching, cx.waker()) => {
                let failure = this.incoming.abort(ModelFailure::Closed);
                Poll::Ready(Some(Err(this.failed(admission, failure))))
            }
            Poll::Pending => {
                this.admission = Some(admission);
                Poll::Pending
            }
        }
    }
}

impl Drop for ServiceStream {
    fn drop(&mut self) {
        if let Some(admission) = &mut self.admission {
            // The connection is closed before anybody is told that the call is out.
            self.incoming.stop();
            admission.cancelled(self.incoming.usage());
        }
    }
}
