use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use fascine_rt::{BoxFuture, Sleep};
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use hyper::client::conn::http2::Connection;

use crate::BoxSocket;
use crate::http2::connection::Room;
use crate::http2::dial::Dialing;
use crate::http2::io::HyperIo;
use crate::http2::request::RequestBody;
use crate::http2::streams::Idle;

/// Drives a connection, and all that hyper would have spawned for it: dropping it leaves nothing behind.
pub(crate) struct Driver {
    /// `None` when it takes no new requests; those that it has are among the running.
    connection: Option<Connection<HyperIo<BoxSocket>, RequestBody, Spawned>>,
    running: FuturesUnordered<BoxFuture<()>>,
    spawned: Spawned,
    room: Arc<Room>,
    /// `None` when the server has said how many requests it takes.
    dialing: Option<Arc<Dialing>>,
    /// Rings when there may have been nothing to do for too long.
    idle: Option<Sleep>,
}

impl Driver {
    pub(crate) fn new(
        connection: Connection<HyperIo<BoxSocket>, RequestBody, Spawned>,
        spawned: Spawned,
        room: Arc<Room>,
        dialing: Arc<Dialing>,
    ) -> Self {
        Self {
            connection: Some(connection),
            running: FuturesUnordered::new(),
            spawned,
            idle: None,
            room,
            dialing: Some(dialing),
        }
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let ended = Pin::new(&mut *connection).poll(cx).is_ready();
        if self.room.set_limit(connection.current_max_send_streams()) {
            self.dialing = None;
        }
        if ended {
            self.close();
        }
    }

    /// Waits until there has been nothing to do for too long.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // A timer stays armed while the connection is used: one that rings in vain costs less than one for each request.
            if let Some(timer) = &mut self.idle {
                ready!(Pin::new(timer).poll(cx));
                self.idle = None;
            }
            match self.room.idle(cx.waker()) {
                Idle::TooLong => return Poll::Ready(()),
                Idle::Until(Some(end)) => self.idle = Some(self.room.rt.sleep_until(end)),
                Idle::No | Idle::Until(None) => return Poll::Pending,
            }
        }
    }

    fn close(&mut self) {
        self.connection = None;
        self.room.close();
        self.dialing = None;
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            this.running.extend(this.spawned.take());
            while let Poll::Ready(Some(())) = Pin::new(&mut this.running).poll_next(cx) {}
            // After what reads from the socket: it may have learnt that the server takes no more requests.
            this.poll_connection(cx);
            if this.spawned.is_empty() {
                break;
            }
        }
        if this.connection.is_none() && this.running.is_empty() {
            return Poll::Ready(());
        }
        this.poll_idle(cx)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}

/// What hyper wants to have run: its driver takes it from here.
#[derive(Clone, Default)]
pub(crate) struct Spawned(Arc<Mutex<Vec<BoxFuture<()>>>>);

impl Spawned {
    fn take(&self) -> Vec<BoxFuture<()>> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_empty(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}

/// hyper spawns while it is polled, so the driver is awake and finds what is new.
impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawned {
    fn execute(&self, future: F) {
        let mut spawned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spawned.push(Box::pin(future));
    }
}
