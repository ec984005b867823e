use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use async_lock::SemaphoreGuardArc;
use event_listener::Event;
use fascine_rt::{Rt, Task};
use futures_util::task::AtomicWaker;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};

use crate::BoxSocket;
use crate::http2::Http2Config;
use crate::http2::dial::Dialing;
use crate::http2::driver::{Driver, Spawned};
use crate::http2::error::Failure;
use crate::http2::io::HyperIo;
use crate::http2::request::RequestBody;
use crate::http2::streams::{Idle, Streams};
use crate::http2::timer::Timer;

/// A connection that many requests share. Its task ends when it is dropped, and the socket with it.
pub(crate) struct Connection {
    sender: SendRequest<RequestBody>,
    room: Arc<Room>,
    _driver: Task<()>,
}

/// How many requests a connection carries, and who wants to know when that changes.
pub(crate) struct Room {
    pub(crate) rt: Rt,
    idle_timeout: Duration,
    streams: Mutex<Streams>,
    changed: Arc<Event>,
    /// The connection's task: it wants to know when there is nothing to do.
    driver: AtomicWaker,
}

/// A request's place on a connection, until its response has ended.
pub(crate) struct StreamLease {
    connection: Arc<Connection>,
    /// Whether the connection has carried a request before.
    pub(crate) reused: bool,
    _permit: Option<SemaphoreGuardArc>,
}

impl Connection {
    /// Sends the preface, and lets a task do the rest.
    ///
    /// `dialing` is over when the server has said how many requests it takes, or the connection has ended.
    pub(crate) async fn start(
        socket: BoxSocket,
        config: &Http2Config,
        room: Room,
        dialing: Arc<Dialing>,
    ) -> Result<Self, hyper::Error> {
        let rt = room.rt.clone();
        let room = Arc::new(room);
        let spawned = Spawned::default();
        let (sender, connection) = Builder::new(spawned.clone())
            .timer(Timer(rt.clone()))
            .initial_stream_window_size(config.stream_window())
            .initial_connection_window_size(config.connection_window())
            .initial_max_send_streams(UNSAID)
            .max_header_list_size(MAX_HEAD)
            .keep_alive_interval(config.ping_interval)
            .keep_alive_timeout(config.ping_timeout)
            .handshake(HyperIo::new(socket))
            .await?;
        let driver = Driver::new(connection, spawned, Arc::clone(&room), dialing);
        Ok(Self {
            sender,
            room,
            _driver: rt.spawn(driver),
        })
    }

    /// Takes a place, if there is one.
    pub(crate) fn try_lease(self: &Arc<Self>, now: Instant) -> Option<StreamLease> {
        let begins = self.room.lock().try_begin(now, self.room.idle_timeout);
        begins.then(|| self.lease(true))
    }

    /// The place of the request that the connection was made for.
    pub(crate) fn first_lease(self: &Arc<Self>) -> StreamLease {
        self.lease(false)
    }

    fn lease(self: &Arc<Self>, reused: bool) -> StreamLease {
        StreamLease {
            connection: Arc::clone(self),
            reused,
            _permit: None,
        }
    }

    /// Whether it may carry new requests, now or later.
    pub(crate) fn is_open(&self) -> bool {
        self.room.lock().is_open()
    }
}

impl Room {
    pub(crate) fn new(
        rt: &Rt,
        config: &Http2Config,
        idle_timeout: Duration,
        changed: Arc<Event>,
    ) -> Self {
        Self {
            rt: rt.clone(),
            idle_timeout,
            streams: Mutex::new(Streams::of_one(config.max_streams.get(), rt.now())),
            changed,
            driver: AtomicWaker::new(),
        }
    }

    /// Sets how many requests the server takes; gives whether it has said so at all.
    pub(crate) fn set_limit(&self, limit: usize) -> bool {
        if limit == UNSAID {
            return false;
        }
        let news = self.lock().set_limit(limit);
        if news {
            self.changed.notify(usize::MAX);
        }
        true
    }

    /// Takes no new requests.
    pub(crate) fn close(&self) {
        self.lock().close();
        self.changed.notify(usize::MAX);
    }

    /// Whether there is nothing to do. Later, `driver` is told when that is so.
    pub(crate) fn idle(&self, driver: &Waker) -> Idle {
        self.driver.register(driver);
        let now = self.rt.now();
        self.lock().idle(now, self.idle_timeout)
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamLease {
    /// Keeps the place among all requests as long as that on the connection.
    pub(crate) fn with_permit(mut self, permit: SemaphoreGuardArc) -> Self {
        self._permit = Some(permit);
        self
    }

    /// Sends a request and waits for the head of its response. Dropping the future resets the stream.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Failure> {
        let sent = self.connection.sender.clone().try_send_request(request);
        sent.await.map_err(Failure::of)
    }

    /// Lets nobody else use the connection.
    pub(crate) fn retire(&self) {
        self.connection.room.close();
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        let room = &self.connection.room;
        let now = room.rt.now();
        let idle = room.lock().end(now);
        if idle {
            room.driver.wake();
        }
        room.changed.notify_additional(1);
    }
}

/// What no server allows: it stands for one that has not said anything yet.
const UNSAID: usize = u32::MAX as usize - 1;
/// As with HTTP/1.1.
const MAX_HEAD: u32 = 64 * 1024;
