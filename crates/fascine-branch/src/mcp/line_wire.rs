use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_concurrency::fail_after;
use fascine_rt::{Rt, Task};
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::future;
use serde_json::Value;

use crate::mcp::child::Child;
use crate::mcp::client_builder::Settings;
use crate::mcp::handshake::{self, ClientInfo, INITIALIZE, INITIALIZED};
use crate::mcp::line_driver::{Driver, Reader, Shared};
use crate::mcp::{McpError, McpServerInfo, rpc};

/// A message to a line, both ways: standard input and output, or any connection.
pub(crate) struct LineWire {
    rt: Rt,
    timeout: Duration,
    client: ClientInfo,
    shared: Arc<Shared>,
    /// Reads and writes, until the wire is dropped.
    driver: Task<()>,
    child: Option<Arc<Child>>,
}

impl LineWire {
    pub(crate) fn new<R, W>(
        rt: &Rt,
        settings: &Settings,
        from_server: R,
        to_server: W,
        mut child: Option<Child>,
    ) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (shared, lines) = Shared::new(settings.pending);
        let shared = Arc::new(shared);
        let errors = child.as_mut().and_then(Child::take_errors);
        let child = child.map(Arc::new);
        let driver = Driver {
            shared: Arc::clone(&shared),
            child: child.clone(),
        };
        let reader = Reader {
            from_server,
            limit: settings.message_bytes,
        };
        let driver = rt.spawn(driver.run(rt.clone(), reader, to_server, lines, errors));
        Self {
            rt: rt.clone(),
            timeout: settings.timeout,
            client: settings.client.clone(),
            shared,
            driver,
            child,
        }
    }

    pub(crate) async fn initialize(&self) -> Result<McpServerInfo, McpError> {
        let asked = self
            .ask(INITIALIZE, self.client.params(), Dropped::Ignored)
            .await;
        let server = handshake::read(asked?)?;
        let initialized = rpc::notification(INITIALIZED, serde_json::json!({}));
        self.shared.send(&initialized);
        Ok(server)
    }

    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value, McpError> {
        self.ask(method, params, Dropped::Told).await
    }

    async fn ask(&self, method: &str, params: Value, dropped: Dropped) -> Result<Value, McpError> {
        self.shared.check_room()?;
        let (id, answer) = self.shared.pending.open()?;
        let _question = Question {
            shared: &self.shared,
            id,
            dropped,
        };
        self.shared.send(&rpc::request(id, method, params));
        match fail_after(&self.rt, self.timeout, answer.recv()).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(refusal))) => Err(refusal.of(method)),
            Ok(Err(_)) => Err(self.shared.pending.ended()),
            Err(_) => Err(McpError::TimedOut {
                method: method.to_owned(),
                after: self.timeout,
            }),
        }
    }

    pub(crate) async fn close(&self) {
        self.shared.pending.end(|| "it was closed".to_owned());
        // What was sent before is still written; then the server's input ends, and with it the server.
        self.shared.close_outbox();
        match &self.child {
            Some(child) => child.end().await,
            None => future::yield_now().await,
        }
        self.driver.cancel();
    }
}

/// What a server is told when nobody waits for an answer any more.
#[derive(Clone, Copy, PartialEq)]
enum Dropped {
    /// Nothing: the protocol says so of the first question.
    Ignored,
    Told,
}

/// Closes a question when nobody waits for its answer.
struct Question<'a> {
    shared: &'a Shared,
    id: u64,
    dropped: Dropped,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if self.shared.pending.forget(self.id) && self.dropped == Dropped::Told {
            self.shared.send(&rpc::cancelled(self.id));
        }
    }
}

impl fmt::Debug for LineWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineWire")
            .field("child", &self.child)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}
