use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::Event;

use crate::connection::Connection as Http1Connection;
use crate::connector::{Connector, Http};
use crate::http2::Http2Config;
use crate::http2::connection::{Connection, Room, StreamLease};
use crate::http2::dial::{Dial, Dialing};
use crate::http2::error;
use crate::route::Route;
use crate::{Phase, TransportError};

/// The shared connections of a transport, and what is known of the servers.
pub(crate) struct Pool {
    connector: Connector,
    config: Http2Config,
    idle_timeout: Duration,
    origins: Mutex<HashMap<Arc<Route>, Origin>>,
}

#[derive(Default)]
struct Origin {
    connections: Vec<Arc<Connection>>,
    /// The one connection that is being made.
    dial: Option<Arc<Dial>>,
    /// Whether the server has chosen HTTP/1.1, where nothing is shared.
    speaks_http1: bool,
    /// Somebody may find a place now.
    changed: Arc<Event>,
}

/// How a request gets to its server.
pub(crate) enum Place {
    /// By a connection that is to be made first.
    Dial(Dialing),
    /// By HTTP/1.1.
    Http1,
    Stream(StreamLease),
    /// By a connection that somebody is making.
    Wait(Arc<Dial>),
}

/// A connection that has just been made.
pub(crate) enum Made {
    Http1(Http1Connection),
    Http2(StreamLease),
}

impl Pool {
    /// Makes connections as `http1` does, and keeps them as long.
    pub(crate) fn new(http1: &crate::pool::Pool, config: Http2Config) -> Self {
        Self {
            connector: http1.connector.clone(),
            config,
            idle_timeout: http1.config.idle_timeout,
            origins: Mutex::default(),
        }
    }

    /// Finds a way to the server; waits only if all the connections that there may be are full.
    pub(crate) async fn place(self: &Arc<Self>, route: &Arc<Route>) -> Place {
        loop {
            if let Some(place) = self.try_place(route) {
                return place;
            }
            let changed = self.changed(route).listen();
            // Somebody may have gone before there was a listener.
            if let Some(place) = self.try_place(route) {
                return place;
            }
            changed.await;
        }
    }

    fn changed(&self, route: &Arc<Route>) -> Arc<Event> {
        let mut origins = self.lock();
        Arc::clone(&origins.entry(Arc::clone(route)).or_default().changed)
    }

    fn try_place(self: &Arc<Self>, route: &Arc<Route>) -> Option<Place> {
        let now = self.connector.rt.now();
        let mut closed = Vec::new();
        let place = {
            let mut origins = self.lock();
            let origin = origins.entry(Arc::clone(route)).or_default();
            if origin.speaks_http1 {
                return Some(Place::Http1);
            }
            let leased = origin.connections.iter().find_map(|one| one.try_lease(now));
            closed.extend(origin.connections.extract_if(.., |one| !one.is_open()));
            if let Some(lease) = leased {
                Some(Place::Stream(lease))
            } else if let Some(dial) = &origin.dial {
                Some(Place::Wait(Arc::clone(dial)))
            } else if origin.connections.len() < self.config.max_connections.get() {
                let dial = Arc::clone(origin.dial.insert(Arc::default()));
                // What was known of servers that nobody asks any more goes now, and not for every request.
                origins.retain(|_, origin| !origin.is_empty());
                Some(Place::Dial(Dialing::new(dial, route, self)))
            } else {
                None
            }
        };
        drop(closed);
        place
    }

    /// Makes a connection, and keeps it if it can be shared.
    pub(crate) async fn dial(
        self: &Arc<Self>,
        route: &Arc<Route>,
        dialing: Dialing,
    ) -> Result<Made, TransportError> {
        let negotiated = self.connector.negotiate(route).await;
        let (connection, http) = match negotiated {
            Ok(negotiated) => negotiated,
            Err(error) => {
                dialing.fail(&error);
                return Err(error);
            }
        };
        if http == Http::One {
            let mut origins = self.lock();
            let origin = origins.entry(Arc::clone(route)).or_default();
            origin.speaks_http1 = true;
            let changed = Arc::clone(&origin.changed);
            drop(origins);
            changed.notify(usize::MAX);
            return Ok(Made::Http1(connection));
        }
        let changed = self.changed(route);
        let rt = &self.connector.rt;
        let dialing = Arc::new(dialing);
        let room = Room::new(rt, &self.config, self.idle_timeout, changed);
        let started = {
            let dialing = Arc::clone(&dialing);
            Connection::start(connection.socket, &self.config, room, dialing).await
        };
        let connection = match started {
            Ok(connection) => Arc::new(connection),
            Err(error) => {
                let error = error::of(&error, Phase::Connect, 0);
                dialing.fail(&error);
                return Err(error);
            }
        };
        let lease = connection.first_lease();
        {
            let mut origins = self.lock();
            let origin = origins.entry(Arc::clone(route)).or_default();
            origin.connections.push(connection);
        }
        // Only now may the dial be over: whoever looks again finds the connection.
        drop(dialing);
        Ok(Made::Http2(lease))
    }

    /// Takes a dial out that is over.
    pub(crate) fn forget(&self, route: &Arc<Route>, dial: &Arc<Dial>) {
        let mut origins = self.lock();
        if let Some(origin) = origins.get_mut(route)
            && let Some(current) = &origin.dial
            && Arc::ptr_eq(current, dial)
        {
            origin.dial = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Route>, Origin>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    /// Whether it says nothing.
    fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.dial.is_none() && !self.speaks_http1
    }
}
