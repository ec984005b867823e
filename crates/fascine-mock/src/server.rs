use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_http::Listener;
use fascine_rt::Task;

use crate::MockServerBuilder;
use crate::connection;
use crate::state::State;

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

    /// What a client takes for the server's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many requests were answered properly.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.state.answered()
    }

    /// How many requests were refused with a 429.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.state.refused()
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.lock().tasks.len()
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
