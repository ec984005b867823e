use std::error::Error;
use std::io;

use h2::Reason;
use hyper::client::conn::TrySendError;

use crate::{Phase, TransportError};

/// Why a request got no response on a connection.
pub(crate) struct Failure {
    pub(crate) error: TransportError,
    /// Whether the server certainly did nothing with the request.
    pub(crate) unprocessed: bool,
}

impl Failure {
    pub(crate) fn of<T>(mut failed: TrySendError<T>) -> Self {
        // hyper gives back what it has not sent.
        let unsent = failed.take_message().is_some();
        let error = failed.into_error();
        Self {
            unprocessed: unsent || cause(&error).is_some_and(is_unprocessed),
            error: of(&error, Phase::Head, 0),
        }
    }

    /// Whether the connection is of no use to anybody else.
    pub(crate) fn is_of_connection(&self) -> bool {
        match &self.error {
            TransportError::ClosedBeforeResponse | TransportError::Io { .. } => true,
            // GOAWAY, not REFUSED_STREAM.
            TransportError::StreamReset { code, .. } => {
                self.unprocessed && *code != u32::from(Reason::REFUSED_STREAM)
            }
            _ => false,
        }
    }
}

/// Says in our words what hyper says.
pub(crate) fn of(error: &hyper::Error, phase: Phase, received: u64) -> TransportError {
    let Some(cause) = cause(error) else {
        return if error.is_timeout() {
            // Nobody answered the pings.
            let source = io::ErrorKind::TimedOut.into();
            TransportError::Io { phase, source }
        } else {
            closed(phase, received)
        };
    };
    if let Some(source) = cause.get_io() {
        return match source.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => closed(phase, received),
            kind => TransportError::Io {
                phase,
                source: io::Error::new(kind, source.to_string()),
            },
        };
    }
    match cause.reason() {
        Some(reason) if cause.is_remote() => reset(reason, phase),
        Some(_) => TransportError::MalformedResponse {
            reason: cause.to_string(),
        },
        // h2 has not even tried.
        None => TransportError::InvalidRequest {
            reason: cause.to_string(),
        },
    }
}

pub(crate) fn reset(reason: Reason, phase: Phase) -> TransportError {
    TransportError::StreamReset {
        phase,
        code: reason.into(),
        reason: format!("{reason:?}"),
    }
}

fn closed(phase: Phase, received: u64) -> TransportError {
    match phase {
        Phase::Body => TransportError::ClosedInBody { received },
        _ => TransportError::ClosedBeforeResponse,
    }
}

fn cause(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

/// After RFC 9113, sections 6.8 and 8.7: the stream is above what GOAWAY names, or it was refused.
fn is_unprocessed(cause: &h2::Error) -> bool {
    let refused = cause.is_reset() && cause.reason() == Some(Reason::REFUSED_STREAM);
    cause.is_remote() && (cause.is_go_away() || refused)
}
