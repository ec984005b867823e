use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use fascine_concurrency::fail_after;
use fascine_http::ndjson;
use fascine_rt::Rt;
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use serde_json::Value;

use crate::mcp::McpError;
use crate::mcp::child::Child;
use crate::mcp::pending::Pending;
use crate::mcp::rpc::{self, Incoming};

/// Whoever waits is told when nobody reads any more, also when the runtime drops the task. A child is killed then: the
/// runtime may be about to wait for the threads that read from it.
pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    /// None once there is nothing more to read.
    pub(crate) child: Option<Arc<Child>>,
}

/// Where a server is heard, and how long a message may be, in bytes.
pub(crate) struct Reader<R> {
    pub(crate) from_server: R,
    pub(crate) limit: usize,
}

impl Driver {
    pub(crate) async fn run<R, W, E>(
        mut self,
        rt: Rt,
        reader: Reader<R>,
        to_server: W,
        lines: Receiver<Vec<u8>>,
        errors: Option<E>,
    ) where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
        E: AsyncRead + Unpin,
    {
        let shared = Arc::clone(&self.shared);
        let read = shared.read(reader.from_server, reader.limit);
        let talk = future::or(read, write(to_server, lines));
        let listen = async {
            if let Some(errors) = errors {
                shared.listen(errors).await;
            }
        };
        let mut listen = pin!(listen);
        let mut is_heard = false;
        let listen_on = async {
            listen.as_mut().await;
            is_heard = true;
            future::pending().await
        };
        let ended = future::or(talk, listen_on).await;
        let reason = ended.map_or_else(|error| error.to_string(), str::to_owned);
        if !is_heard {
            // The last words come by another pipe, maybe later, or not at all.
            let _ = fail_after(&rt, LISTENING, listen).await;
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

/// What those who ask share with the task that reads and writes.
pub(crate) struct Shared {
    pub(crate) pending: Pending,
    /// Lines on their way. It has no bound of its own, so that farewells never wait: nothing else is put into it when there
    /// are [too many](LINES).
    outbox: Sender<Vec<u8>>,
    /// The last of what the server wrote for people.
    errors: Mutex<Vec<u8>>,
}

impl Shared {
    /// Makes it, and the end where lines come out.
    pub(crate) fn new(pending: usize) -> (Self, Receiver<Vec<u8>>) {
        let (outbox, lines) = async_channel::unbounded();
        let shared = Self {
            pending: Pending::new(pending),
            outbox,
            errors: Mutex::default(),
        };
        (shared, lines)
    }

    /// Refuses questions to a server that does not listen.
    pub(crate) fn check_room(&self) -> Result<(), McpError> {
        match self.outbox.len() < LINES {
            true => Ok(()),
            false => Err(McpError::TooManyPending { limit: LINES }),
        }
    }

    /// Lets what was sent be written, and nothing after it.
    pub(crate) fn close_outbox(&self) {
        self.outbox.close();
    }

    pub(crate) fn send(&self, message: &Value) {
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

/// How many lines may wait for a server that does not listen.
const LINES: usize = 1_024;
/// How much of what a server writes for people is kept, in bytes.
const LAST_WORDS: usize = 4 * 1024;
/// How long the last of it is waited for.
const LISTENING: Duration = Duration::from_millis(200);
