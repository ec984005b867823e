use std::time::Duration;

/// How long a request may take; `Duration::MAX` is no limit.
///
/// They belong to the transport; as an extension of a request, they are that request's own.
///
/// # Defaults
///
/// - a place among the requests, and the whole: no limit
/// - connecting within 10 s
/// - the head of the response within 10 minutes: a model that thinks says nothing until it is done
/// - no more than 5 minutes between two pieces of the body
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use fascine_http::Timeouts;
/// use std::time::Duration;
///
/// let patient = Timeouts::default().with_total(Duration::from_secs(3600));
/// let request = http::Request::get("http://127.0.0.1/").extension(patient);
/// let request = request.body(Bytes::new()).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Waiting for a place among the requests that are on their way, which says nothing of the server.
    pub pool: Duration,
    /// Looking up the name, connecting, setting up TLS.
    pub connect: Duration,
    /// From the moment there is a connection to the end of the response's head.
    pub first_byte: Duration,
    /// Between two pieces of the body, while somebody waits for the next.
    pub idle: Duration,
    /// From the call to the end of the body.
    pub total: Duration,
}

impl Timeouts {
    /// Sets no limit at all.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            pool: Duration::MAX,
            connect: Duration::MAX,
            first_byte: Duration::MAX,
            idle: Duration::MAX,
            total: Duration::MAX,
        }
    }

    /// Sets how long a request may wait for its place.
    #[must_use]
    pub const fn with_pool(mut self, limit: Duration) -> Self {
        self.pool = limit;
        self
    }

    /// Sets how long connecting may take, name lookup and TLS included.
    #[must_use]
    pub const fn with_connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Sets how long the head of the response may take from the moment there is a connection.
    #[must_use]
    pub const fn with_first_byte(mut self, limit: Duration) -> Self {
        self.first_byte = limit;
        self
    }

    /// Sets how long the body may pause.
    #[must_use]
    pub const fn with_idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// Sets how long the whole may take, the body included.
    #[must_use]
    pub const fn with_total(mut self, limit: Duration) -> Self {
        self.total = limit;
        self
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::none()
            .with_connect(Duration::from_secs(10))
            .with_first_byte(Duration::from_secs(600))
            .with_idle(Duration::from_secs(300))
    }
}

/// A limit on the whole; the others are the defaults.
impl From<Duration> for Timeouts {
    fn from(total: Duration) -> Self {
        Self::default().with_total(total)
    }
}
