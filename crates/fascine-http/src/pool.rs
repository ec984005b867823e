use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use async_lock::{Semaphore, SemaphoreGuardArc};

use crate::PoolConfig;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::route::Route;

/// Connections that wait for their next request.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    pub(crate) config: PoolConfig,
    in_use: Arc<Semaphore>,
    /// How many requests wait for their place.
    waiting: AtomicUsize,
    idle: Mutex<IdleConnections>,
}

#[derive(Default)]
struct IdleConnections {
    by_route: HashMap<Arc<Route>, VecDeque<Idle>>,
    /// When those that are too old were last looked for.
    swept: Option<Instant>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection in use. Unless it is [kept](Self::keep), it is closed when dropped.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    /// Whether it has carried a request before.
    pub(crate) reused: bool,
    route: Arc<Route>,
    pool: Arc<Pool>,
    _permit: SemaphoreGuardArc,
}

impl Pool {
    pub(crate) fn new(connector: Connector, config: PoolConfig) -> Self {
        let in_use = Arc::new(Semaphore::new(config.max_in_use.get()));
        Self {
            connector,
            config,
            in_use,
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
        }
    }

    /// Lets one more request be on its way, if there is room for it.
    pub(crate) fn try_permit(&self) -> Option<SemaphoreGuardArc> {
        self.in_use.try_acquire_arc()
    }

    /// Waits until one more request may be on its way.
    pub(crate) async fn permit(&self) -> SemaphoreGuardArc {
        let _waiting = Waiting::new(&self.waiting);
        self.in_use.acquire_arc().await
    }

    /// Takes a connection that was kept and is still alive.
    pub(crate) async fn take_idle(&self, route: &Arc<Route>) -> Option<Connection> {
        loop {
            let now = self.connector.rt.now();
            let (candidate, expired) = {
                let mut idle = self.lock();
                // The one used last is the likeliest to be alive still.
                let candidate = idle.by_route.get_mut(route)?.pop_back();
                (candidate, idle.sweep(now, &self.config))
            };
            drop(expired);
            let Idle {
                mut connection,
                since,
            } = candidate?;
            if now.saturating_duration_since(since) >= self.config.idle_timeout {
                // Those before it are older still.
                continue;
            }
            // Nobody has watched it while it was idle.
            if poll_fn(|cx| Poll::Ready(connection.is_quiet(cx))).await {
                return Some(connection);
            }
        }
    }

    fn put_back(&self, route: Arc<Route>, mut connection: Connection) {
        connection.shrink();
        let since = self.connector.rt.now();
        // What somebody waits for is as good as in use.
        let room = self.config.max_idle + self.waiting.load(Relaxed);
        let closed = {
            let mut idle = self.lock();
            let queue = idle.by_route.entry(route).or_default();
            queue.push_back(Idle { connection, since });
            let surplus = queue.len().saturating_sub(room);
            let surplus: Vec<_> = queue.drain(..surplus).collect();
            (surplus, idle.sweep(since, &self.config))
        };
        drop(closed);
    }

    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts somebody who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl IdleConnections {
    /// Takes out what is too old, wherever it leads: nobody may ask for that origin again.
    ///
    /// It looks twice in the time that connections are kept, so that it costs nothing to speak of.
    fn sweep(&mut self, now: Instant, config: &PoolConfig) -> Vec<Idle> {
        let swept = *self.swept.get_or_insert(now);
        if now.saturating_duration_since(swept) < config.idle_timeout / 2 {
            return Vec::new();
        }
        self.swept = Some(now);
        let mut expired = Vec::new();
        self.by_route.retain(|_, queue| {
            let old =
                |kept: &Idle| now.saturating_duration_since(kept.since) >= config.idle_timeout;
            let count = queue.iter().take_while(|kept| old(kept)).count();
            expired.extend(queue.drain(..count));
            !queue.is_empty()
        });
        expired
    }
}

impl Lease {
    pub(crate) fn fresh(
        connection: Connection,
        route: &Arc<Route>,
        pool: &Arc<Pool>,
        permit: SemaphoreGuardArc,
    ) -> Self {
        Self {
            connection,
            reused: false,
            route: Arc::clone(route),
            pool: Arc::clone(pool),
            _permit: permit,
        }
    }

    pub(crate) fn reused(
        connection: Connection,
        route: &Arc<Route>,
        pool: &Arc<Pool>,
        permit: SemaphoreGuardArc,
    ) -> Self {
        Self {
            reused: true,
            ..Self::fresh(connection, route, pool, permit)
        }
    }

    /// Gives the connection back for the next request. Only after an exchange that both sides have finished.
    pub(crate) fn keep(self) {
        let Self {
            connection,
            route,
            pool,
            _permit: permit,
            ..
        } = self;
        if connection.unused().is_empty() {
            pool.put_back(route, connection);
        }
        // Only now: whoever waits for the place finds the connection.
        drop(permit);
    }
}
