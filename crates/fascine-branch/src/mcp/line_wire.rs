use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use fascine_concurrency::fail_after;
use fascine_http::ndjson;
use fascine_rt::{Rt, Task};
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use serde_json::Value;

use crate::mcp::child::Child;
use crate::mcp::client_builder::Settings;
use crate::mcp::handshake::{self, ClientInfo, INITIALIZE, INITIALIZED};
use crate::mcp::pending::Pending;
use crate::mcp::rpc::{self, Incoming};
use crate::mcp::{McpError, McpServerInfo};

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

struct Shared {
    pending: Pending,
    /// Lines on their way. It has no bound of its own, so that farewells never wait: nothing else is put into it when there
    /// are [too many](LINES).
    outbox: Sender<Vec<u8>>,
    /// The last of what the server wrote for people.
    errors: Mutex<Vec<u8>>,
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
        let (outbox, lines) = async_channel::unbounded();
        let shared = Arc::new(Shared {
            pending: Pending::new(settings.pending),
            outbox,
            errors: Mutex::default(),
        });
        let errors = child.as_mut().and_then(Child::take_errors);
        let child = child.map(Arc::new);
        let mut driver = Driver {
            shared: Arc::clone(&shared),
            child: child.clone(),
        };
        let limit = settings.message_bytes;
        let clock = rt.clone();
        let driver = rt.spawn(async move {
            let shared = Arc::clone(&driver.shared);
            let read = shared.read(from_server, limit);
            let write = write(to_server, lines);
            let talk = async {
                let ended = future::or(read, write).await;
                ended.map_or_else(|error| error.to_string(), str::to_owned)
            };
            let listen = async {
                if let Some(errors) = errors {
                    shared.listen(errors).await;
                }
            };
            driver.run(&clock, talk, listen).await;
        });
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
        if self.shared.outbox.len() >= LINES {
            return Err(McpError::TooManyPending { limit: LINES });
        }
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
        self.shared.outbox.close();
        match &self.child {
            Some(child) => child.end().await,
            None => future::yield_now().await,
        }
        self.driver.cancel();
    }
}

impl Shared {
    fn send(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        // It is closed when the conversation has ended, and then `pending` says so.
        let _ = self.outbox.try_send(line);
    }

    /// Reads what the server says, to its end.
    async fn read(
        &self,
        mut from: impl AsyncRead + Unpin,
        limit: usize,
    ) -> io::Result<&'static str> {
        let mut decoder = ndjson::Decoder::with_limit(limit);
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok("the server has ended it");
            }
            let pushed = decoder.push(&buffer[..count]);
            while let Some(line) = decoder.next_line() {
                for message in rpc::read(&line) {
                    self.take(message)?;
                }
            }
            pushed.map_err(io::Error::other)?;
            // A server that never stops talking is not to keep us from speaking.
            future::yield_now().await;
        }
    }

    fn take(&self, message: Incoming) -> io::Result<()> {
        match message {
            Incoming::Answer { id, answer } => self.pending.answer(id, answer),
            Incoming::Question { reply } => {
                if self.outbox.len() >= LINES {
                    return Err(io::Error::other("the server asks and does not listen"));
                }
                self.send(&reply);
            }
        }
        Ok(())
    }

    /// Keeps the last of what the server writes for people.
    async fn listen(&self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 4 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.extend_from_slice(&buffer[..count]);
            let excess = errors.len().saturating_sub(LAST_WORDS);
            errors.drain(..excess);
        }
    }

    fn end(&self, reason: &str) {
        self.pending.end(|| {
            let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            match String::from_utf8_lossy(&errors).trim() {
                "" => reason.to_owned(),
                words => format!("{reason}; its last words: {words}"),
            }
        });
        self.outbox.close();
    }
}

/// Whoever waits is told when nobody reads any more, also when the runtime drops the task. A child is killed then: the
/// runtime may be about to wait for the threads that read from it.
struct Driver {
    shared: Arc<Shared>,
    /// None once there is nothing more to read.
    child: Option<Arc<Child>>,
}

impl Driver {
    async fn run(
        &mut self,
        rt: &Rt,
        talk: impl Future<Output = String>,
        listen: impl Future<Output = ()>,
    ) {
        let mut listen = pin!(listen);
        let mut is_heard = false;
        let listen_on = async {
            listen.as_mut().await;
            is_heard = true;
            future::pending().await
        };
        let reason = future::or(talk, listen_on).await;
        if !is_heard {
            // The last words come by another pipe, maybe later, or not at all.
            let _ = fail_after(rt, LISTENING, listen).await;
        }
        self.shared.end(&reason);
        self.child = None;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.end("its task was stopped");
        if let Some(child) = &self.child {
            child.kill();
        }
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

/// Writes lines until there are no more, and closes.
async fn write(
    mut to: impl AsyncWrite + Unpin,
    lines: Receiver<Vec<u8>>,
) -> io::Result<&'static str> {
    while let Ok(line) = lines.recv().await {
        to.write_all(&line).await?;
        if lines.is_empty() {
            to.flush().await?;
        }
    }
    to.close().await?;
    Ok("it was closed")
}

impl fmt::Debug for LineWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineWire")
            .field("child", &self.child)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}

/// How many lines may wait for a server that does not listen.
const LINES: usize = 1_024;
/// How much of what a server writes for people is kept, in bytes.
const LAST_WORDS: usize = 4 * 1024;
/// How long the last of it is waited for.
const LISTENING: Duration = Duration::from_millis(200);
