use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use async_lock::{Semaphore, SemaphoreGuardArc};
use fascine_rt::Rt;

use crate::TransportError;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::h1::PoolConfig;
use crate::url::Origin;

/// Connections that wait for their next request.
pub(crate) struct Pool {
    rt: Rt,
    connector: Connector,
    config: PoolConfig,
    in_use: Arc<Semaphore>,
    idle: Mutex<HashMap<Origin, VecDeque<Idle>>>,
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
    origin: Origin,
    pool: Arc<Pool>,
    _permit: SemaphoreGuardArc,
}

impl Pool {
    pub(crate) fn new(rt: Rt, connector: Connector, config: PoolConfig) -> Self {
        let in_use = Arc::new(Semaphore::new(config.max_in_use.get()));
        Self {
            rt,
            connector,
            config,
            in_use,
            idle: Mutex::default(),
        }
    }

    /// Waits until one more request may be on its way.
    pub(crate) async fn permit(&self) -> SemaphoreGuardArc {
        self.in_use.acquire_arc().await
    }

    /// Takes a connection to the origin: a kept one, unless `fresh`, or a new one.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        permit: SemaphoreGuardArc,
        origin: &Origin,
        fresh: bool,
    ) -> Result<Lease, TransportError> {
        let kept = if fresh {
            None
        } else {
            self.take_idle(origin).await
        };
        let reused = kept.is_some();
        let connection = match kept {
            Some(connection) => connection,
            None => self.connector.connect(origin).await?,
        };
        let (origin, pool) = (origin.clone(), Arc::clone(self));
        Ok(Lease {
            connection,
            reused,
            origin,
            pool,
            _permit: permit,
        })
    }

    async fn take_idle(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let now = self.rt.now();
            let (candidate, expired) = {
                let mut idle = self.lock();
                let queue = idle.get_mut(origin)?;
                let alive = |kept: &Idle| {
                    now.saturating_duration_since(kept.since) < self.config.idle_timeout
                };
                let mut expired = Vec::new();
                while queue.front().is_some_and(|kept| !alive(kept)) {
                    expired.extend(queue.pop_front());
                }
                // The one used last is the likeliest to be alive still.
                let candidate = queue.pop_back();
                if queue.is_empty() {
                    idle.remove(origin);
                }
                (candidate, expired)
            };
            drop(expired);
            let Idle { mut connection, .. } = candidate?;
            // Nobody has watched it while it was idle.
            if poll_fn(|cx| Poll::Ready(connection.is_quiet(cx))).await {
                return Some(connection);
            }
        }
    }

    fn put_back(&self, origin: Origin, mut connection: Connection) {
        connection.shrink();
        let since = self.rt.now();
        let surplus = {
            let mut idle = self.lock();
            let queue = idle.entry(origin).or_default();
            queue.push_back(Idle { connection, since });
            if queue.len() > self.config.max_idle {
                queue.pop_front()
            } else {
                None
            }
        };
        drop(surplus);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, VecDeque<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Gives the connection back for the next request. Only after an exchange that both sides have finished.
    pub(crate) fn keep(self) {
        let Self {
            connection,
            origin,
            pool,
            ..
        } = self;
        if connection.unused().is_empty() {
            pool.put_back(origin, connection);
        }
    }
}
