use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use bytes::Bytes;
use fascine_rt::{BoxFuture, Rt};
use http::{Request, Response};

use crate::connector::Connector;
use crate::decode::Encodings;
use crate::h1_client::H1Client;
use crate::last_route::LastRoute;
use crate::pool::Pool;
use crate::resolve::{Resolve, SystemResolver};
use crate::{Body, Net, Proxies, Timeouts, Transport, TransportError};

/// HTTP/1.1, driven by the request's own future.
///
/// Connections are kept and reused by scheme, host, port and proxy. A request or a body that is dropped before its end
/// closes its connection: the server sees it, and no other request ever gets what belongs to it.
///
/// A kept connection may turn out to be closed just as it is used. A request that failed on one before a byte of the
/// answer came is sent once more on a new connection, if its method is idempotent (GET, HEAD, PUT, DELETE, OPTIONS,
/// TRACE) or it carries [`RetrySafe`] as an extension.
///
/// Redirects are not followed: the response is the 3xx itself, and its `location` is the caller's to judge. Headers
/// that carry a key, by their name or because they are marked as sensitive, go to another machine over https alone;
/// [`with_plaintext_credentials`](Self::with_plaintext_credentials) lifts that.
///
/// # Defaults
///
/// - [`Timeouts`]' and [`PoolConfig`]'s own
/// - no TLS, no proxy, no compression
/// - the operating system's resolver
#[derive(Clone)]
pub struct H1Transport {
    client: Arc<H1Client>,
}

/// How many connections there are, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// How many requests are on their way at once; more wait, as long as [`Timeouts::pool`] lets them. 100 by default.
    pub max_in_use: NonZeroUsize,
    /// How many unused connections are kept for each origin, beyond those that requests are waiting for. 20 by default.
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
            resolver: Arc::new(SystemResolver(rt.clone())),
            secure: None,
            dials: Arc::new(Semaphore::new(PARALLEL_DIALS)),
        };
        let config = PoolConfig::default();
        let client = H1Client {
            pool: Arc::new(Pool::new(connector, config)),
            rt: rt.clone(),
            timeouts: Timeouts::default(),
            proxies: Proxies::default(),
            encodings: Encodings::default(),
            plaintext_credentials: false,
            last_route: LastRoute::default(),
        };
        Self {
            client: Arc::new(client),
        }
    }

    /// Sets how many connections there are, and for how long.
    #[must_use]
    pub fn with_pool(self, config: PoolConfig) -> Self {
        self.with(|client| {
            client.pool = Arc::new(Pool::new(client.pool.connector.clone(), config));
        })
    }

    /// Sets how long requests may take; a request that carries [`Timeouts`] as an extension has its own.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        self.with(|client| client.timeouts = timeouts)
    }

    /// Sets [`Timeouts::connect`].
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.with(|client| client.timeouts.connect = timeout)
    }

    /// Sets [`Timeouts::first_byte`].
    #[must_use]
    pub fn with_first_byte_timeout(self, timeout: Duration) -> Self {
        self.with(|client| client.timeouts.first_byte = timeout)
    }

    /// Sets [`Timeouts::idle`].
    #[must_use]
    pub fn with_idle_timeout(self, timeout: Duration) -> Self {
        self.with(|client| client.timeouts.idle = timeout)
    }

    /// Sets [`Timeouts::total`].
    #[must_use]
    pub fn with_total_timeout(self, timeout: Duration) -> Self {
        self.with(|client| client.timeouts.total = timeout)
    }

    /// Sets who finds the addresses of names.
    #[must_use]
    pub fn with_resolver(self, resolver: impl Resolve) -> Self {
        self.with_connector(|connector| connector.resolver = Arc::new(resolver))
    }

    /// Sets which requests go through a proxy; [`Proxies::from_env`] reads it from the environment.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        self.with(|client| client.proxies = proxies)
    }

    /// Lets keys travel over plain http to other machines, where anybody on the way can read them.
    #[must_use]
    pub fn with_plaintext_credentials(self) -> Self {
        self.with(|client| client.plaintext_credentials = true)
    }

    /// Asks for bodies in gzip, and decodes them as they come.
    #[cfg(feature = "gzip")]
    #[must_use]
    pub fn with_gzip(self) -> Self {
        self.with(|client| client.encodings.gzip = true)
    }

    /// Asks for bodies in brotli, and decodes them as they come.
    #[cfg(feature = "brotli")]
    #[must_use]
    pub fn with_brotli(self) -> Self {
        self.with(|client| client.encodings.brotli = true)
    }

    /// Makes https possible.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn with_tls(self, tls: crate::Tls) -> Self {
        self.with_connector(|connector| connector.secure = Some(Arc::new(tls)))
    }

    #[cfg(feature = "hyper")]
    pub(crate) fn into_client(self) -> Arc<H1Client> {
        self.client
    }

    fn with(mut self, set: impl FnOnce(&mut H1Client)) -> Self {
        let client = Arc::make_mut(&mut self.client);
        set(client);
        client.last_route = LastRoute::default();
        self
    }

    /// What was connected in another way is not used any more.
    fn with_connector(self, set: impl FnOnce(&mut Connector)) -> Self {
        self.with(|client| {
            let mut connector = client.pool.connector.clone();
            set(&mut connector);
            client.pool = Arc::new(Pool::new(connector, client.pool.config));
        })
    }
}

impl Transport for H1Transport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<Result<Response<Body>, TransportError>> {
        H1Client::send(Arc::clone(&self.client), request)
    }
}

impl fmt::Debug for H1Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H1Transport")
            .field("net", &self.client.pool.connector.net)
            .field("config", &self.client.pool.config)
            .field("timeouts", &self.client.timeouts)
            .field("proxies", &self.client.proxies)
            .finish_non_exhaustive()
    }
}

const PARALLEL_DIALS: usize = 64;
