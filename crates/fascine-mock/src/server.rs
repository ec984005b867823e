use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_http::Listener;
use fascine_rt::Task;

use crate::connection;
use crate::log::Log;
use crate::state::State;
use crate::{Api, MockServerBuilder, Peak, Served};

/// A running server. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    state: Arc<State>,
    accept: Option<Task<()>>,
    connections: Arc<Connections>,
}

impl MockServer {
    /// Begins the settings of a server.
    #[must_use]
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    pub(crate) fn serve(
        state: Arc<State>,
        listener: Box<dyn Listener>,
        address: SocketAddr,
    ) -> Self {
        let connections = Arc::<Connections>::default();
        let accept = state.rt.spawn(accept(
            Arc::clone(&state),
            listener,
            Arc::clone(&connections),
        ));
        Self {
            address,
            state,
            accept: Some(accept),
            connections,
        }
    }

    /// The address it listens at.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client of OpenAI's takes for the server's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url_for(Api::OpenAi)
    }

    /// What a client of that API takes for the server's base URL.
    #[must_use]
    pub fn base_url_for(&self, api: Api) -> String {
        format!("http://{}{}", self.address, api.base_path())
    }

    /// How many requests have arrived, whole or not. Each of those that were read to their end is one of
    /// [answered](Self::answered), [faulted](Self::faulted), [refused](Self::refused), [rejected](Self::rejected).
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.state.arrived()
    }

    /// How many requests were answered properly.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.state.ledger.counts().answered
    }

    /// How many requests were let through and met with a fault.
    #[must_use]
    pub fn faulted(&self) -> u64 {
        self.state.ledger.counts().faulted
    }

    /// How many requests were refused with a 429, for a quota or the limit on requests at once.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.state.ledger.counts().refused
    }

    /// How many requests made no sense, or had no valid key.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.state.ledger.counts().rejected
    }

    /// How many requests their clients left, before they were read or before their answers were sent to the end.
    #[must_use]
    pub fn aborted(&self) -> u64 {
        self.state.aborted()
    }

    /// How many requests are being answered.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.state.ledger.in_flight().0
    }

    /// The most requests that were being answered at once.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.state.ledger.in_flight().1
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.lock().tasks.len()
    }

    /// How many connections there have been.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.connections.lock().next
    }

    /// Lets no fault befall the requests that are still to come.
    pub fn stop_faults(&self) {
        self.state.stop_faults();
    }

    /// The latest requests, in the order in which they were decided upon.
    #[must_use]
    pub fn log(&self) -> Vec<Served> {
        self.state.ledger.read_log(Log::entries)
    }

    /// The most that the log says was let through for one key in any stretch of time as long as `per`.
    ///
    /// It is counted from the log, not taken from what enforces the quota.
    #[must_use]
    pub fn peak_within(&self, per: Duration) -> Peak {
        self.state.ledger.read_log(|log| log.peak(per))
    }

    /// Closes the port and every connection, and waits until they are closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes them too, without waiting.
    pub async fn shutdown(mut self) {
        if let Some(accept) = self.accept.take() {
            accept.cancel();
            let _ = accept.await;
        }
        let open = self.connections.close();
        open.iter().for_each(Task::cancel);
        for connection in open {
            let _ = connection.await;
        }
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.accept = None;
        // The connections share this list, so it does not end with the server by itself.
        drop(self.connections.close());
    }
}

/// The tasks of the open connections; each leaves the list when it ends, so that it does not grow.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    closed: bool,
    tasks: HashMap<u64, Task<()>>,
}

impl Connections {
    fn close(&self) -> Vec<Task<()>> {
        let mut open = self.lock();
        open.closed = true;
        open.tasks.drain().map(|(_, task)| task).collect()
    }

    fn remove(&self, id: u64) {
        let ended = self.lock().tasks.remove(&id);
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(state: Arc<State>, listener: Box<dyn Listener>, connections: Arc<Connections>) {
    loop {
        let Ok((socket, _peer)) = listener.accept().await else {
            // Out of file handles, most likely: they come back, but not sooner for asking at once.
            state.rt.sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut open = connections.lock();
        if open.closed {
            return;
        }
        let id = open.next;
        open.next += 1;
        // Spawned under the lock: a connection that ends at once must find itself in the list.
        let task = state.rt.spawn({
            let (state, connections) = (Arc::clone(&state), Arc::clone(&connections));
            async move {
                connection::serve(&state, socket).await;
                connections.remove(id);
            }
        });
        open.tasks.insert(id, task);
    }
}
