use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::{Body as _, Incoming};

use crate::connection::Connection;
use crate::decode::{self, Encodings};
use crate::exchange::Exchange;
use crate::h1_client::{self, H1Client, Plan};
use crate::http2::body::{StreamBody, promised_length};
use crate::http2::connection::StreamLease;
use crate::http2::error::Failure;
use crate::http2::pool::{Made, Place, Pool};
use crate::http2::request::{self, RequestBody};
use crate::stopwatch::PauseTimer;
use crate::{Body, Phase, TransportError};

/// What all requests of a transport have in common.
#[derive(Clone)]
pub(crate) struct Client {
    /// Sends what is not for HTTP/2, and knows what is the same for both.
    pub(crate) http1: Arc<H1Client>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) prior_knowledge: bool,
}

/// A request that can be sent.
enum Prepared {
    Http1(Plan, Exchange),
    Either(Plan, Box<Either>),
}

/// A request in both forms: which one is sent, its server decides.
struct Either {
    http1: Request<Bytes>,
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
                Prepared::Http1(plan, exchange) => {
                    Arc::clone(&self.http1).exchange(plan, exchange, None).await
                }
                Prepared::Either(plan, either) => self.exchange(plan, *either).await,
            }
        }
    }

    fn prepare(&self, request: Request<Bytes>) -> Result<Prepared, TransportError> {
        let plan = self.http1.plan(&request)?;
        let route = &plan.route;
        // A proxy that is told where to forward to is told so in HTTP/1.1.
        let may_share = route.origin.secure || (self.prior_knowledge && !route.is_forwarded());
        if !may_share {
            let exchange = h1_client::write(&plan, request)?;
            return Ok(Prepared::Http1(plan, exchange));
        }
        let accepted = plan.encodings.and_then(Encodings::accepted);
        let http2 = request::prepare(request.clone(), accepted)?;
        let either = Either {
            http1: request,
            http2,
        };
        Ok(Prepared::Either(plan, Box::new(either)))
    }

    async fn exchange(&self, plan: Plan, either: Either) -> Result<Response<Body>, TransportError> {
        let Either { http1, http2 } = either;
        let mut repeatable = plan.repeatable;
        let mut unprocessed = 0;
        loop {
            let lease = match self.way(&plan).await? {
                Way::Http1(connection) => {
                    let exchange = h1_client::write(&plan, http1)?;
                    return Arc::clone(&self.http1)
                        .exchange(plan, exchange, connection)
                        .await;
                }
                Way::Http2(lease) => lease,
            };
            let sent = async { Ok(lease.send(http2.clone()).await) };
            let failure = match plan.watch.within(Phase::Head, sent).await? {
                Ok(response) => return Ok(respond(plan, http2.method(), response, lease)),
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
    async fn way(&self, plan: &Plan) -> Result<Way, TransportError> {
        let Plan { watch, route, .. } = plan;
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
    plan: Plan,
    method: &Method,
    response: Response<Incoming>,
    lease: StreamLease,
) -> Response<Body> {
    let length = promised_length(method, response.headers());
    let response = response.map(|incoming| {
        if incoming.is_end_stream() {
            return Body::from(Bytes::new());
        }
        let timer = PauseTimer::new(plan.watch);
        Body::from_stream(StreamBody::new(incoming, lease, length, timer))
    });
    match plan.encodings {
        Some(encodings) => decode::response(response, encodings),
        None => response,
    }
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
