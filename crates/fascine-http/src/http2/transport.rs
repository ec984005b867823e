use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fascine_rt::BoxFuture;
use http::{Request, Response};

use crate::http2::Http2Config;
use crate::http2::client::Client;
use crate::http2::pool::Pool;
use crate::{Body, H1Transport, Transport, TransportError};

/// HTTP/2 where the server speaks it, by hyper; HTTP/1.1 elsewhere, by the [`H1Transport`] that it is made from.
///
/// Over https, the server chooses (ALPN). Over plain http nobody can ask, so that is HTTP/1.1 unless there is
/// [prior knowledge](Self::with_prior_knowledge).
///
/// Many requests share a connection. Requests to a new host wait for the one that connects; when a connection carries
/// as many as the server takes, another one is opened, up to [`Http2Config::max_connections`]; when all are full,
/// requests wait. A task of the runtime drives each connection; it ends, and closes the socket, when the transport and
/// the bodies that came over it are gone, or when nobody has used it for as long as connections are kept.
///
/// Dropping a request or a body resets its stream: the server sees it, and the others go on. A request that the server
/// did not begin with (GOAWAY, REFUSED_STREAM) is sent again, whatever its method, at most four times; one whose
/// connection broke, under the conditions that [`H1Transport`] names.
///
/// Time-outs, limits, TLS, proxies, encodings and the rule about keys are those of the [`H1Transport`].
/// [`PoolConfig::max_idle`](crate::PoolConfig::max_idle) is about HTTP/1.1 alone.
///
/// # Defaults
///
/// - [`Http2Config`]'s own
/// - no prior knowledge
///
/// # Examples
///
/// ```
/// use fascine_http::{H1Transport, Http2Config, HyperTransport, MemoryNet};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// # let net = MemoryNet::new();
///
/// let mut config = Http2Config::default();
/// config.ping_interval = Some(Duration::from_secs(30));
/// let http1 = H1Transport::new(&rt, net).with_total_timeout(Duration::from_secs(600));
/// let transport = HyperTransport::new(http1).with_http2(config);
/// # });
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    client: Arc<Client>,
    config: Http2Config,
}

impl HyperTransport {
    /// Takes everything but the protocol from `http1`, which is also what HTTP/1.1 is spoken with.
    #[must_use]
    pub fn new(http1: H1Transport) -> Self {
        let http1 = http1.into_client();
        let config = Http2Config::default();
        let client = Client {
            pool: Arc::new(Pool::new(&http1.pool, config)),
            http1,
            prior_knowledge: false,
        };
        Self {
            client: Arc::new(client),
            config,
        }
    }

    /// Sets how connections are shared and watched. What is connected already is not used any more.
    #[must_use]
    pub fn with_http2(mut self, config: Http2Config) -> Self {
        let client = Arc::make_mut(&mut self.client);
        client.pool = Arc::new(Pool::new(&client.http1.pool, config));
        self.config = config;
        self
    }

    /// Speaks HTTP/2 over plain http too, to servers that are known to understand it.
    #[must_use]
    pub fn with_prior_knowledge(mut self) -> Self {
        Arc::make_mut(&mut self.client).prior_knowledge = true;
        self
    }
}

impl Transport for HyperTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<Result<Response<Body>, TransportError>> {
        Box::pin(Client::send(Arc::clone(&self.client), request))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("config", &self.config)
            .field("prior_knowledge", &self.client.prior_knowledge)
            .finish_non_exhaustive()
    }
}
