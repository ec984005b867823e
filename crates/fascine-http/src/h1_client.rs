use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use fascine_rt::{BoxFuture, Rt};
use http::{Method, Request, Response, header};

use crate::connection::Connection;
use crate::decode::Encodings;
use crate::exchange::{Exchange, Received};
use crate::framing::Framing;
use crate::h1_body::H1Body;
use crate::last_route::LastRoute;
use crate::pool::{Lease, Pool};
use crate::request_head::Additions;
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
    /// Found with these proxies.
    pub(crate) last_route: LastRoute,
}

/// What is settled of a request before anything is opened, whatever it will be sent by.
pub(crate) struct Plan {
    pub(crate) watch: Stopwatch,
    pub(crate) route: Arc<Route>,
    pub(crate) repeatable: bool,
    /// What the body may come in, if that is ours to decode.
    pub(crate) encodings: Option<Encodings>,
}

impl H1Client {
    /// Prepares before there is a future: a request as it was given is no part of what waits.
    pub(crate) fn send(
        self: Arc<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<Result<Response<Body>, TransportError>> {
        let plan = self.plan(&request);
        match plan.and_then(|plan| Ok((write(&plan, request)?, plan))) {
            Ok((exchange, plan)) => Box::pin(self.exchange(plan, exchange, None)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// A request that cannot be sent says so at once.
    pub(crate) fn plan(&self, request: &Request<Bytes>) -> Result<Plan, TransportError> {
        let timeouts = request.extensions().get().copied();
        let route = self.last_route.of(request.uri(), || {
            let origin = Origin::of(request.uri())?;
            let proxy = self.proxies.of(&origin);
            Ok(Route::new(origin, proxy))
        })?;
        if !self.plaintext_credentials {
            credentials::check(request.headers(), &route.origin)?;
        }
        // What the caller has asked for is the caller's to decode.
        let asked = request.headers().contains_key(header::ACCEPT_ENCODING);
        let decoded = !asked && self.encodings.accepted().is_some();
        Ok(Plan {
            watch: Stopwatch::start(&self.rt, timeouts.unwrap_or(self.timeouts)),
            route,
            repeatable: may_be_repeated(request),
            encodings: decoded.then_some(self.encodings),
        })
    }

    /// Sends the request, on `connection` if there is one already.
    ///
    /// No `async fn`, which has room for its arguments twice: thousands may wait in here.
    #[expect(clippy::manual_async_fn, reason = "smaller")]
    pub(crate) fn exchange(
        self: Arc<Self>,
        plan: Plan,
        mut exchange: Exchange,
        mut connection: Option<Connection>,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send {
        async move {
            let mut fresh = false;
            loop {
                let lease = self.lease(&plan, &mut connection, fresh);
                let mut lease = lease.await?;
                let received = exchange.run(&mut lease.connection);
                match plan.watch.within(Phase::Head, received).await {
                    Ok(received) => {
                        let response = response(received, lease, &plan.watch);
                        return Ok(match plan.encodings {
                            Some(encodings) => decode::response(response, encodings),
                            None => response,
                        });
                    }
                    Err(error)
                        if lease.reused
                            && plan.repeatable
                            && exchange.is_unanswered()
                            && is_broken(&error) =>
                    {
                        fresh = true;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn lease(
        &self,
        plan: &Plan,
        connection: &mut Option<Connection>,
        fresh: bool,
    ) -> Result<Lease, TransportError> {
        let Plan { watch, route, .. } = plan;
        let permit = match self.pool.try_permit() {
            Some(permit) => permit,
            None => {
                let permit = async { Ok(self.pool.permit().await) };
                // On the heap: few wait, and all have room for it otherwise.
                Box::pin(watch.within(Phase::Pool, permit)).await?
            }
        };
        if let Some(connection) = connection.take() {
            return Ok(Lease::fresh(connection, route, &self.pool, permit));
        }
        if !fresh && let Some(kept) = self.pool.take_idle(route).await {
            return Ok(Lease::reused(kept, route, &self.pool, permit));
        }
        // On the heap: connecting is rare, and larger than all the rest of a request.
        let connected = Box::pin(self.pool.connector.connect(route));
        let connection = watch.within(Phase::Connect, connected).await?;
        Ok(Lease::fresh(connection, route, &self.pool, permit))
    }
}

/// Puts a request into the form of HTTP/1.1.
pub(crate) fn write(plan: &Plan, request: Request<Bytes>) -> Result<Exchange, TransportError> {
    let forwarded = plan.route.is_forwarded();
    let additions = Additions {
        accept_encoding: plan.encodings.and_then(Encodings::accepted),
        forwarded,
        proxy_credentials: match &plan.route.proxy {
            Some(proxy) if forwarded => proxy.credentials.as_ref(),
            _ => None,
        },
    };
    Exchange::new(request, &additions)
}

fn response(received: Received, mut lease: Lease, watch: &Stopwatch) -> Response<Body> {
    let Received {
        head,
        framing,
        keep,
    } = received;
    if let Framing::Length(length) = framing
        && lease.connection.unused().len() as u64 == length
    {
        // Most answers come with their heads.
        let whole = lease.connection.take(length);
        if keep {
            lease.keep();
        }
        return head.map(|()| Body::from(whole));
    }
    let body = H1Body::new(framing, lease, keep, PauseTimer::new(watch.clone()));
    head.map(|()| Body::from_stream(body))
}

/// Whether it does no harm if the server gets the request twice.
fn may_be_repeated(request: &Request<Bytes>) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    ) || request.extensions().get::<RetrySafe>().is_some()
}

/// Whether it was the connection that failed.
fn is_broken(error: &TransportError) -> bool {
    matches!(
        error,
        TransportError::ClosedBeforeResponse
            | TransportError::Io {
                phase: Phase::Head,
                ..
            }
    )
}
