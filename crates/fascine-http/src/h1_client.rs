use std::sync::Arc;

use bytes::Bytes;
use fascine_rt::Rt;
use http::{HeaderValue, Method, Request, Response, header};

use crate::decode::Encodings;
use crate::exchange::{Exchange, Received};
use crate::h1_body::H1Body;
use crate::pool::{Lease, Pool};
use crate::route::Route;
use crate::stopwatch::{PauseTimer, Stopwatch};
use crate::url::Origin;
use crate::{Body, Phase, Proxies, RetrySafe, Timeouts, TransportError, credentials, decode};

/// What all requests of a transport have in common.
#[derive(Clone)]
pub(crate) struct H1Client {
    pub(crate) rt: Rt,
    pub(crate) pool: Arc<Pool>,
    pub(crate) timeouts: Timeouts,
    pub(crate) proxies: Proxies,
    pub(crate) encodings: Encodings,
    pub(crate) plaintext_credentials: bool,
}

impl H1Client {
    pub(crate) async fn send(
        self: Arc<Self>,
        mut request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        let timeouts = request.extensions().get().copied();
        let watch = Stopwatch::start(&self.rt, timeouts.unwrap_or(self.timeouts));
        let route = Arc::new(self.route(&request)?);
        let repeatable = may_be_repeated(&request);
        let decoded = self.ask_for_encodings(&mut request);
        // Before anything is opened: a request that cannot be written says so at once.
        let mut exchange = self.exchange(request, &route)?;
        let mut fresh = false;
        loop {
            let mut lease = self.lease(&watch, &route, fresh).await?;
            let received = exchange.run(&mut lease.connection);
            match watch.within(Phase::Head, received).await {
                Ok(received) => {
                    let response = response(received, lease, watch);
                    return Ok(match decoded {
                        Some(encodings) => decode::response(response, encodings),
                        None => response,
                    });
                }
                Err(error) if lease.reused && repeatable && is_stale(&error) => fresh = true,
                Err(error) => return Err(error),
            }
        }
    }

    fn route(&self, request: &Request<Bytes>) -> Result<Route, TransportError> {
        let origin = Origin::of(request.uri())?;
        if !self.plaintext_credentials {
            credentials::check(request.headers(), &origin)?;
        }
        let proxy = self.proxies.of(&origin);
        Ok(Route { origin, proxy })
    }

    /// Says which encodings the body may come in; what the caller has asked for is the caller's to decode.
    fn ask_for_encodings(&self, request: &mut Request<Bytes>) -> Option<Encodings> {
        let accepted = self.encodings.accepted()?;
        if request.headers().contains_key(header::ACCEPT_ENCODING) {
            return None;
        }
        let accepted = HeaderValue::from_static(accepted);
        request
            .headers_mut()
            .insert(header::ACCEPT_ENCODING, accepted);
        Some(self.encodings)
    }

    fn exchange(
        &self,
        mut request: Request<Bytes>,
        route: &Route,
    ) -> Result<Exchange, TransportError> {
        if !route.is_forwarded() {
            return Exchange::new(request, false);
        }
        let credentials = route
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.credentials.clone());
        if let Some(credentials) = credentials {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, credentials);
        }
        Exchange::new(request, true)
    }

    async fn lease(
        &self,
        watch: &Stopwatch,
        route: &Arc<Route>,
        fresh: bool,
    ) -> Result<Lease, TransportError> {
        let permit = async { Ok(self.pool.permit().await) };
        let permit = watch.within(Phase::Pool, permit).await?;
        if !fresh && let Some(kept) = self.pool.take_idle(route).await {
            return Ok(Lease::reused(kept, route, &self.pool, permit));
        }
        // On the heap: connecting is rare, and larger than all the rest of a request.
        let connected = Box::pin(self.pool.connector.connect(route));
        let connection = watch.within(Phase::Connect, connected).await?;
        Ok(Lease::fresh(connection, route, &self.pool, permit))
    }
}

fn response(received: Received, lease: Lease, watch: Stopwatch) -> Response<Body> {
    let Received {
        head,
        framing,
        keep,
    } = received;
    let body = H1Body::new(framing, lease, keep, PauseTimer::new(watch));
    let body = if body.is_over() {
        Body::from(Bytes::new())
    } else {
        Body::from_stream(body)
    };
    head.map(|()| body)
}

/// Whether it does no harm if the server gets the request twice.
fn may_be_repeated(request: &Request<Bytes>) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    ) || request.extensions().get::<RetrySafe>().is_some()
}

/// Whether the connection failed before a byte of the answer came.
fn is_stale(error: &TransportError) -> bool {
    matches!(
        error,
        TransportError::ClosedBeforeResponse
            | TransportError::Io {
                phase: Phase::Head,
                ..
            }
    )
}
