use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use event_listener::Event;

use crate::TransportError;
use crate::http2::pool::Pool;
use crate::route::Route;

/// A connection that is being made: whoever wants the same one waits for it.
#[derive(Default)]
pub(crate) struct Dial {
    state: Mutex<State>,
    ended: Event,
}

#[derive(Default)]
enum State {
    #[default]
    Running,
    /// There is a connection, or whoever made it has given up: look again.
    Over,
    Failed(TransportError),
}

/// Whoever makes the connection has it, and its task until others may use it. Dropped, it lets them look again.
pub(crate) struct Dialing {
    dial: Arc<Dial>,
    route: Arc<Route>,
    /// Weak: the task of a connection has it, and must not keep the connections.
    pool: Weak<Pool>,
}

impl Dial {
    /// Waits for its end; an error is that of whoever made the connection.
    pub(crate) async fn ended(&self) -> Result<(), TransportError> {
        loop {
            let ended = self.ended.listen();
            match &*self.lock() {
                State::Running => {}
                State::Over => return Ok(()),
                State::Failed(error) => return Err(same(error)),
            }
            ended.await;
        }
    }

    fn end(&self, end: State) {
        let ended = {
            let mut state = self.lock();
            matches!(*state, State::Running).then(|| std::mem::replace(&mut *state, end))
        };
        if ended.is_some() {
            self.ended.notify(usize::MAX);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dialing {
    pub(crate) fn new(dial: Arc<Dial>, route: &Arc<Route>, pool: &Arc<Pool>) -> Self {
        Self {
            dial,
            route: Arc::clone(route),
            pool: Arc::downgrade(pool),
        }
    }

    /// Tells everybody who waits that there is no connection.
    pub(crate) fn fail(&self, error: &TransportError) {
        self.forget();
        self.dial.end(State::Failed(same(error)));
    }

    /// Takes it out first, so that who looks again finds it no more.
    fn forget(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.forget(&self.route, &self.dial);
        }
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        self.forget();
        self.dial.end(State::Over);
    }
}

/// The same error for somebody else.
fn same(error: &TransportError) -> TransportError {
    match error {
        TransportError::Connect { host, port, source } => TransportError::Connect {
            host: host.clone(),
            port: *port,
            source: same_io(source),
        },
        TransportError::Io { phase, source } => TransportError::Io {
            phase: *phase,
            source: same_io(source),
        },
        TransportError::Proxy { proxy, status } => TransportError::Proxy {
            proxy: proxy.clone(),
            status: *status,
        },
        TransportError::Resolve { host, source } => TransportError::Resolve {
            host: host.clone(),
            source: same_io(source),
        },
        TransportError::Tls { host, source } => TransportError::Tls {
            host: host.clone(),
            source: same_io(source),
        },
        TransportError::InvalidUrl { reason } => TransportError::InvalidUrl {
            reason: reason.clone(),
        },
        TransportError::MalformedResponse { reason } => TransportError::MalformedResponse {
            reason: reason.clone(),
        },
        other => TransportError::Other {
            reason: other.to_string(),
        },
    }
}

fn same_io(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
