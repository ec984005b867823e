use std::fmt;
use std::io;
use std::time::Duration;

/// Why there was no response, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The connection was closed before a byte of the response came.
    #[error("the server closed the connection without an answer")]
    ClosedBeforeResponse,
    /// The connection was closed in the middle of the body.
    #[error("the server closed the connection after {received} bytes of an unfinished body")]
    ClosedInBody {
        /// How many bytes of the body had come.
        received: u64,
    },
    /// The connection was closed in the middle of the response's head.
    #[error("the server closed the connection inside the head of its response")]
    ClosedInHead,
    /// No connection to the server.
    #[error("cannot connect to {host}:{port}")]
    Connect {
        /// The server's name or address.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system said of the last address tried.
        source: io::Error,
    },
    /// The body is not what its `content-encoding` says.
    #[error("the body cannot be decoded as {encoding}: {reason}")]
    ContentEncoding {
        /// `gzip` or `br`.
        encoding: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// More came than the body that was promised: it may belong to anything.
    #[error("the server sent {excess} bytes after the end of the body")]
    ExcessBody {
        /// How many bytes too many had come by then.
        excess: usize,
    },
    /// The request cannot be put into HTTP.
    #[error("the request is not valid HTTP: {reason}")]
    InvalidRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// The URL cannot be used.
    #[error("the URL cannot be used: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection broke while {phase}")]
    Io {
        /// What was going on.
        phase: Phase,
        /// What the operating system said.
        source: io::Error,
    },
    /// What the server sent is not HTTP.
    #[error("the server's answer is not valid HTTP: {reason}")]
    MalformedResponse {
        /// What is wrong with it.
        reason: String,
    },
    /// A client that is not ours gave up, for reasons of its own.
    #[error("the client failed: {reason}")]
    Other {
        /// What it said.
        reason: String,
    },
    /// A key would have travelled unencrypted.
    #[error("`{header}` would go to {host} over plain http, where anybody on the way can read it")]
    PlaintextCredentials {
        /// The header that carries it.
        header: String,
        /// Where it would have gone.
        host: String,
    },
    /// The proxy does not connect to the server.
    #[error("the proxy {proxy} answered {status} instead of opening a tunnel")]
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// The HTTP status that it gave.
        status: u16,
    },
    /// The server's name has no address.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The server gave up this one request, on a connection that others share.
    #[error("the server reset the stream with {reason} while {phase}")]
    StreamReset {
        /// What was going on.
        phase: Phase,
        /// The error code of HTTP/2 (RFC 9113, section 7).
        code: u32,
        /// What it stands for.
        reason: String,
    },
    /// It took too long.
    #[error("{}", late(*phase, *after))]
    Timeout {
        /// What was going on.
        phase: Phase,
        /// The time that was allowed.
        after: Duration,
    },
    /// The encrypted connection could not be set up.
    #[error("cannot set up TLS with {host}")]
    Tls {
        /// The server's name.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The response is larger than what is accepted.
    #[error("the {what} of the response is larger than {limit} bytes")]
    TooLarge {
        /// `head` or `body`.
        what: &'static str,
        /// What is accepted, in bytes.
        limit: usize,
    },
}

/// What an exchange was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a place among the requests that are on their way.
    Pool,
    /// Looking up the name, connecting, setting up TLS.
    Connect,
    /// Sending the request and waiting for the head of the response.
    Head,
    /// Reading the body of the response.
    Body,
    /// Any of them: it is the whole that took too long.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool => "waiting for a place among the requests",
            Self::Connect => "connecting",
            Self::Head => "waiting for the response",
            Self::Body => "reading the body",
            Self::Total => "exchanging request and response",
        })
    }
}

fn late(phase: Phase, after: Duration) -> String {
    match phase {
        Phase::Total => format!("the whole was not over after {after:?}"),
        phase => format!("no progress for {after:?} while {phase}"),
    }
}

impl TransportError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ClosedBeforeResponse
            | Self::ClosedInBody { .. }
            | Self::ClosedInHead
            | Self::Connect { .. }
            | Self::Io { .. }
            | Self::Other { .. }
            | Self::Resolve { .. }
            | Self::Timeout { .. } => true,
            // A certificate stays what it is; a connection that broke in the handshake may not break again.
            Self::Tls { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            ),
            // What the server finds wrong with the request, or with how it came, it will find wrong again.
            Self::StreamReset { code, .. } => !matches!(code, 1 | 3 | 6 | 9 | 12 | 13),
            Self::Proxy { status, .. } => matches!(status, 502..=504),
            Self::ContentEncoding { .. }
            | Self::ExcessBody { .. }
            | Self::InvalidRequest { .. }
            | Self::InvalidUrl { .. }
            | Self::MalformedResponse { .. }
            | Self::PlaintextCredentials { .. }
            | Self::TooLarge { .. } => false,
        }
    }

    /// Whether the request certainly did not reach a server: nothing was sent.
    #[must_use]
    pub fn is_before_request(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::InvalidRequest { .. }
                | Self::InvalidUrl { .. }
                | Self::PlaintextCredentials { .. }
                | Self::Proxy { .. }
                | Self::Resolve { .. }
                | Self::Timeout {
                    phase: Phase::Connect | Phase::Pool,
                    ..
                }
                | Self::Tls { .. }
        )
    }
}

impl From<ureq_proto::Error> for TransportError {
    /// For errors met while reading; those met while writing are the request's.
    fn from(error: ureq_proto::Error) -> Self {
        Self::MalformedResponse {
            reason: error.to_string(),
        }
    }
}
