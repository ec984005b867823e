use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::single_flight::flights::Flights;
use crate::single_flight::rider::Rider;
use crate::single_flight::streamed::{self, StreamFlight};
use crate::single_flight::whole::{self, WholeFlight};
use crate::{CanonicalRequest, ChunkStream, ModelError, Request, RequestKey, Response};

/// Makes one call of those that ask the same at the same time. The key is made once for each, and given to the call.
#[derive(Clone, Debug)]
pub(crate) struct Sharing {
    identity: Arc<str>,
    pub(crate) max_bytes: usize,
    pub(crate) whole: Arc<Flights<WholeFlight>>,
    pub(crate) streams: Arc<Flights<StreamFlight>>,
    /// Who shares, where that is known.
    rider: Option<Rider>,
}

impl Sharing {
    /// Shares the calls of a model of this identity.
    pub(crate) fn new(identity: String) -> Self {
        Self {
            identity: identity.into(),
            max_bytes: 32 * 1024 * 1024,
            whole: Arc::new(Flights::new()),
            streams: Arc::new(Flights::new()),
            rider: None,
        }
    }

    /// The same calls, for the one that is made for `rider`.
    pub(crate) fn with_rider(mut self, rider: Rider) -> Self {
        self.rider = Some(rider);
        self
    }

    pub(crate) fn invoke(
        &self,
        request: Request,
        call: impl FnOnce(RequestKey, Request) -> BoxFuture<Result<Response, ModelError>>
        + Send
        + 'static,
    ) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let key = this.key(&request);
            let flight = (key, request.cache);
            let call = move || call(key, request);
            whole::invoke(&this.whole, flight, this.rider.as_ref(), call).await
        })
    }

    pub(crate) fn stream(
        &self,
        request: Request,
        call: impl FnOnce(RequestKey, Request) -> BoxFuture<Result<ChunkStream, ModelError>>
        + Send
        + 'static,
    ) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let key = this.key(&request);
            let flight = (key, request.cache);
            let call = move || call(key, request);
            let rider = this.rider.as_ref();
            streamed::stream(&this.streams, flight, rider, this.max_bytes, call).await
        })
    }

    fn key(&self, request: &Request) -> RequestKey {
        CanonicalRequest::new(&self.identity, request).key()
    }
}
