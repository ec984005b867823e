use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use bytes::Bytes;
use fascine_rt::{BoxFuture, Rt};
use http::{Method, Request, Response};

use crate::connector::Connector;
use crate::exchange::{Exchange, Received, Rest};
use crate::h1_body::H1Body;
use crate::pool::{Lease, Pool};
use crate::timeout::timeout;
use crate::url::Origin;
use crate::{Body, Net, Phase, Transport, TransportError};

/// HTTP/1.1, driven by the request's own future.
///
/// Connections are kept and reused by scheme, host and port. A request or a body that is dropped before its end closes
/// its connection: the server sees it, and no other request ever gets what belongs to it. Redirects are not followed.
///
/// A kept connection may turn out to be closed just as it is used. A request that failed on one before a byte of the
/// answer came is sent once more on a new connection, if its method is idempotent (GET, HEAD, PUT, DELETE, OPTIONS,
/// TRACE) or it carries [`RetrySafe`] as an extension.
///
/// # Defaults
///
/// - connect within 10 s, name lookup and TLS included
/// - the head of the response within 60 s of the request
/// - no more than 60 s between two pieces of the body
/// - [`PoolConfig`]'s own
#[derive(Clone)]
pub struct H1Transport {
    rt: Rt,
    connector: Connector,
    config: PoolConfig,
    timeouts: Timeouts,
    pool: Arc<Pool>,
}

#[derive(Clone, Copy, Debug)]
struct Timeouts {
    connect: Duration,
    first_byte: Duration,
    idle: Duration,
}

/// How many connections there are, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// How many requests are on their way at once; more wait, without a time-out. 100 by default.
    pub max_in_use: NonZeroUsize,
    /// How many unused connections are kept for each origin. 20 by default.
    pub max_idle: usize,
    /// How long an unused connection is kept. 30 s by default.
    pub idle_timeout: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        Self {
            max_in_use: HUNDRED,
            max_idle: 20,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

/// Marks a request, as an extension, that may be sent again although its method is not idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetrySafe;

impl H1Transport {
    /// Makes a transport whose timers run on `rt` and whose sockets come from `net`.
    pub fn new(rt: &Rt, net: impl Net) -> Self {
        let connector = Connector {
            rt: rt.clone(),
            net: Arc::new(net),
            secure: None,
            dials: Arc::new(Semaphore::new(PARALLEL_DIALS)),
        };
        let config = PoolConfig::default();
        let timeouts = Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        };
        let pool = Arc::new(Pool::new(rt.clone(), connector.clone(), config));
        Self {
            rt: rt.clone(),
            connector,
            config,
            timeouts,
            pool,
        }
    }

    /// Sets how many connections there are, and for how long.
    #[must_use]
    pub fn with_pool(mut self, config: PoolConfig) -> Self {
        self.config = config;
        self.rebuilt()
    }

    /// Sets how long connecting may take, name lookup and TLS included; `Duration::MAX` is no limit.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// Sets how long the head of the response may take from the moment there is a connection; `Duration::MAX` is no
    /// limit.
    #[must_use]
    pub fn with_first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.first_byte = timeout;
        self
    }

    /// Sets how long the body may pause; `Duration::MAX` is no limit.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.idle = timeout;
        self
    }

    /// Makes https possible.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn with_tls(mut self, tls: crate::Tls) -> Self {
        self.connector.secure = Some(Arc::new(tls));
        self.rebuilt()
    }

    /// The pool belongs to the connector and the limits it was made with.
    fn rebuilt(mut self) -> Self {
        self.pool = Arc::new(Pool::new(
            self.rt.clone(),
            self.connector.clone(),
            self.config,
        ));
        self
    }

    async fn exchange(self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let origin = Origin::of(request.uri())?;
        let repeatable = matches!(
            *request.method(),
            Method::GET
                | Method::HEAD
                | Method::PUT
                | Method::DELETE
                | Method::OPTIONS
                | Method::TRACE
        ) || request.extensions().get::<RetrySafe>().is_some();
        // Before anything is opened: a request that cannot be written says so at once.
        let mut exchange = Exchange::new(&request)?;
        let mut fresh = false;
        loop {
            let mut lease = self.lease(&origin, fresh).await?;
            let received = timeout(
                &self.rt,
                Phase::Head,
                self.timeouts.first_byte,
                exchange.run(&mut lease.connection),
            );
            match received.await {
                Ok(received) => return Ok(self.response(received, lease)),
                Err(error) if lease.reused && repeatable && is_stale(&error) => {
                    exchange = Exchange::new(&request)?;
                    fresh = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn lease(&self, origin: &Origin, fresh: bool) -> Result<Lease, TransportError> {
        // A place among many slow requests may take long to come, which says nothing of the server.
        let permit = self.pool.permit().await;
        let lease = self.pool.lease(permit, origin, fresh);
        timeout(&self.rt, Phase::Connect, self.timeouts.connect, lease).await
    }

    fn response(&self, received: Received, lease: Lease) -> Response<Body> {
        let Received {
            head,
            all_sent,
            rest,
        } = received;
        let body = match rest {
            Rest::Body(call) => Body::from_stream(H1Body::new(
                call,
                lease,
                all_sent,
                self.rt.clone(),
                self.timeouts.idle,
            )),
            Rest::Nothing { keep } => {
                if keep && all_sent {
                    lease.keep();
                }
                Body::from(Bytes::new())
            }
        };
        head.map(|()| body)
    }
}

impl Transport for H1Transport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<Result<Response<Body>, TransportError>> {
        Box::pin(self.clone().exchange(request))
    }
}

impl fmt::Debug for H1Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H1Transport")
            .field("net", &self.connector.net)
            .field("config", &self.config)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
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

const PARALLEL_DIALS: usize = 64;
