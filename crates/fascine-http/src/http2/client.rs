use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};

use crate::connection::Connection;
use crate::decode::{self, Encodings};
use crate::h1_client::{H1Client, Prepared};
use crate::http2::body::{StreamBody, promised_length};
use crate::http2::connection::StreamLease;
use crate::http2::error::Failure;
use crate::http2::pool::{Made, Place, Pool};
use crate::http2::request::{self, RequestBody};
use crate::route::Route;
use crate::stopwatch::{PauseTimer, Stopwatch};
use crate::{Body, Phase, TransportError};

/// What all requests of a transport have in common.
#[derive(Clone)]
pub(crate) struct Client {
    /// Sends what is not for HTTP/2, and knows what is the same for both.
    pub(crate) http1: Arc<H1Client>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) prior_knowledge: bool,
}

/// A request in both forms: which one is sent, its server decides.
struct Either {
    http1: Prepared,
    http2: Request<RequestBody>,
}

/// How a request goes on.
enum Way {
    Http1(Option<Connection>),
    Http2(StreamLease),
}

impl Client {
    /// Prepares before there is a future, as for HTTP/1.1.
    pub(crate) fn send(
        self: Arc<Self>,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> {
        let prepared = self.prepare(request);
        async move {
            match prepared? {
                (http1, None) => self.http1.exchange(http1, None).await,
                (http1, Some(http2)) => self.exchange(Either { http1, http2 }).await,
            }
        }
    }

    fn prepare(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Prepared, Option<Request<RequestBody>>), TransportError> {
        let copy = request.clone();
        let http1 = self.http1.prepare(request)?;
        let route = &http1.route;
        // A proxy that is told where to forward to is told so in HTTP/1.1.
        let shared = route.origin.secure || (self.prior_knowledge && !route.is_forwarded());
        if !shared {
            return Ok((http1, None));
        }
        let accepted = http1.encodings.and_then(Encodings::accepted);
        let http2 = request::prepare(copy, accepted)?;
        Ok((http1, Some(http2)))
    }

    async fn exchange(&self, either: Either) -> Result<Response<Body>, TransportError> {
        let Either { http1, http2 } = either;
        let (watch, route) = (&http1.watch, &http1.route);
        let mut unprocessed = 0;
        let mut repeatable = http1.repeatable;
        loop {
            let lease = match self.way(watch, route).await? {
                Way::Http1(connection) => return self.http1.exchange(http1, connection).await,
                Way::Http2(lease) => lease,
            };
            let sent = async { Ok(lease.send(http2.clone()).await) };
            let failure = match watch.within(Phase::Head, sent).await? {
                Ok(response) => {
                    let Prepared {
                        watch, encodings, ..
                    } = http1;
                    let response = respond(http2.method(), response, lease, watch);
                    return Ok(match encodings {
                        Some(encodings) => decode::response(response, encodings),
                        None => response,
                    });
                }
                Err(failure) => failure,
            };
            if failure.is_of_connection() {
                lease.retire();
            }
            if failure.unprocessed && unprocessed < MAX_UNPROCESSED {
                unprocessed += 1;
            } else if lease.reused && repeatable && is_broken(&failure) {
                repeatable = false;
            } else {
                return Err(failure.error);
            }
        }
    }

    /// Finds or makes a connection.
    async fn way(&self, watch: &Stopwatch, route: &Arc<Route>) -> Result<Way, TransportError> {
        let permit = async { Ok(self.http1.pool.permit().await) };
        let permit = watch.within(Phase::Pool, permit).await?;
        loop {
            let place = async { Ok(self.pool.place(route).await) };
            match watch.within(Phase::Pool, place).await? {
                Place::Stream(lease) => return Ok(Way::Http2(lease.with_permit(permit))),
                Place::Http1 => return Ok(Way::Http1(None)),
                Place::Wait(dial) => watch.within(Phase::Connect, dial.ended()).await?,
                Place::Dial(dialing) => {
                    // On the heap: connecting is rare, and larger than all the rest of a request.
                    let dialed = Box::pin(self.pool.dial(route, dialing));
                    return Ok(match watch.within(Phase::Connect, dialed).await? {
                        Made::Http1(connection) => Way::Http1(Some(connection)),
                        Made::Http2(lease) => Way::Http2(lease.with_permit(permit)),
                    });
                }
            }
        }
    }
}

fn respond(
    method: &Method,
    response: Response<Incoming>,
    lease: StreamLease,
    watch: Stopwatch,
) -> Response<Body> {
    let length = promised_length(method, response.headers());
    response.map(|incoming| {
        if incoming.is_end_stream() {
            return Body::from(Bytes::new());
        }
        let timer = PauseTimer::new(watch);
        Body::from_stream(StreamBody::new(incoming, lease, length, timer))
    })
}

/// Whether it was the connection that failed.
fn is_broken(failure: &Failure) -> bool {
    matches!(
        failure.error,
        TransportError::ClosedBeforeResponse | TransportError::Io { .. }
    )
}

/// How often a server may send a request on before it is believed.
const MAX_UNPROCESSED: usize = 4;
