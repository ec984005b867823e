use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_concurrency::{Lock, Semaphore, fail_after};
use fascine_http::{Body, Transport};
use fascine_rt::{Rt, Task};
use http::{HeaderMap, HeaderValue, Method, Response, Uri};
use serde_json::{Value, json};

use crate::mcp::client_builder::Settings;
use crate::mcp::handshake::{self, INITIALIZE, INITIALIZED};
use crate::mcp::http_answer::{self, Found, Messages};
use crate::mcp::http_sender::{SESSION, SMALL, Sender, Session, transport};
use crate::mcp::{McpError, McpServerInfo, rpc};

/// Streamable HTTP: a request for each message, whose response brings the answer. A session that the server has forgotten
/// is begun anew.
pub(crate) struct HttpWire {
    rt: Rt,
    settings: Settings,
    sender: Sender,
    session: Mutex<Session>,
    /// Held while a session is begun.
    renewal: Lock<()>,
    room: Semaphore,
    last: AtomicU64,
    /// Messages that nobody waits for. They end within [`LEAVE`], or with the wire.
    errands: Mutex<Vec<Task<()>>>,
}

impl HttpWire {
    pub(crate) fn new(
        rt: &Rt,
        settings: &Settings,
        transport: impl Transport,
        uri: Uri,
        headers: HeaderMap,
    ) -> Self {
        Self {
            rt: rt.clone(),
            settings: settings.clone(),
            sender: Sender {
                transport: Arc::new(transport),
                uri,
                headers,
            },
            session: Mutex::default(),
            renewal: Lock::new(()),
            room: Semaphore::new(settings.pending),
            last: AtomicU64::new(0),
            errands: Mutex::default(),
        }
    }

    pub(crate) async fn initialize(&self) -> Result<McpServerInfo, McpError> {
        self.in_time(INITIALIZE, self.begin()).await
    }

    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value, McpError> {
        let Ok(_room) = self.room.try_acquire() else {
            let limit = self.settings.pending;
            return Err(McpError::TooManyPending { limit });
        };
        self.in_time(method, self.ask(method, params)).await
    }

    pub(crate) async fn close(&self) {
        let session = {
            let mut session = self.session();
            session.is_closed = true;
            session.clone()
        };
        if session.id.is_some() {
            let request = self.sender.request(Method::DELETE, &session, String::new());
            let deleted = async {
                // A server may refuse to forget a session; that is its business.
                if let Ok(response) = self.sender.transport.send(request).await {
                    let _ = response.into_body().collect(SMALL).await;
                }
            };
            let _ = fail_after(&self.rt, LEAVE, deleted).await;
        }
    }

    async fn in_time<T>(
        &self,
        method: &str,
        asked: impl Future<Output = Result<T, McpError>>,
    ) -> Result<T, McpError> {
        let after = self.settings.timeout;
        let timed = fail_after(&self.rt, after, asked).await;
        timed.unwrap_or_else(|_| {
            let method = method.to_owned();
            Err(McpError::TimedOut { method, after })
        })
    }

    /// Begins a session.
    async fn begin(&self) -> Result<McpServerInfo, McpError> {
        let number = self.session().number;
        let mut session = Session {
            number: number + 1,
            ..Session::default()
        };
        let id = self.next_id();
        let message = rpc::request(id, INITIALIZE, self.settings.client.params());
        let response = self.sender.post(INITIALIZE, &session, &message).await?;
        session.id = response.headers().get(SESSION).cloned();
        let answer = self.read(&session, id, INITIALIZE, response).await?;
        let server = handshake::read(answer)?;
        session.protocol = HeaderValue::from_str(&server.protocol).ok();
        let message = rpc::notification(INITIALIZED, json!({}));
        self.sender.tell(INITIALIZED, &session, &message).await?;
        let mut current = self.session();
        session.is_closed = current.is_closed;
        *current = session;
        Ok(server)
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value, McpError> {
        let session = self.open_session()?;
        match self.exchange(&session, method, params.clone()).await {
            Err(McpError::Status { status: 404, .. }) if session.id.is_some() => {
                self.renew(&session).await?;
                let session = self.open_session()?;
                self.exchange(&session, method, params).await
            }
            answered => answered,
        }
    }

    /// Begins a session in the place of one that the server has forgotten, unless somebody has.
    async fn renew(&self, forgotten: &Session) -> Result<(), McpError> {
        let _renewal = self.renewal.lock().await;
        if self.session().number == forgotten.number {
            self.begin().await?;
        }
        Ok(())
    }

    async fn exchange(
        &self,
        session: &Session,
        method: &str,
        params: Value,
    ) -> Result<Value, McpError> {
        let id = self.next_id();
        let mut question = Question {
            wire: self,
            session,
            id,
            is_open: true,
        };
        let message = rpc::request(id, method, params);
        let response = self.sender.post(method, session, &message).await;
        let answered = match response {
            Ok(response) => self.read(session, id, method, response).await,
            Err(error) => Err(error),
        };
        question.is_open = false;
        answered
    }

    /// Reads the answer from a response, and from those that continue it.
    async fn read(
        &self,
        session: &Session,
        id: u64,
        method: &str,
        response: Response<Body>,
    ) -> Result<Value, McpError> {
        let limit = self.settings.message_bytes;
        if !http_answer::is_stream(&response) {
            let status = response.status();
            let body = response.into_body().collect(limit).await;
            return http_answer::whole(id, method, status, &body.map_err(transport(method))?);
        }
        let mut messages = Messages::new(response.into_body(), limit, String::new());
        let mut replies = 0;
        for _ in 0..=RESUMED {
            while let Some(text) = messages.next(method).await? {
                match http_answer::find(id, method, text.as_bytes())? {
                    Found::Answer(answer) => return Ok(answer),
                    Found::Replies(questions) => {
                        for reply in questions {
                            replies += 1;
                            if replies > REPLIES {
                                let reason = "the server asks more than it answers";
                                return Err(McpError::unreadable(method, reason));
                            }
                            self.sender.tell(method, session, &reply).await?;
                        }
                    }
                }
            }
            let last_id = std::mem::take(&mut messages.last_id);
            if last_id.is_empty() {
                break;
            }
            self.rt.sleep(PAUSE).await;
            let body = self.sender.resume(method, session, &last_id).await?;
            messages = Messages::new(body, limit, last_id);
        }
        Err(McpError::unreadable(
            method,
            "its stream ended without an answer",
        ))
    }

    /// Tells the server something later, without anybody who waits.
    fn tell_later(&self, session: &Session, message: Value) {
        let (sender, session) = (self.sender.clone(), session.clone());
        let rt = self.rt.clone();
        let mut errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, open): (Vec<_>, Vec<_>) = errands.drain(..).partition(Task::is_finished);
        *errands = open;
        let has_room = errands.len() < ERRANDS;
        drop(errands);
        drop(ended);
        if has_room {
            let errand = self.rt.spawn(async move {
                let told = sender.tell("notifications/cancelled", &session, &message);
                // The server only works in vain if it does not hear of it.
                let _ = fail_after(&rt, LEAVE, told).await;
            });
            let mut errands = self.errands.lock().unwrap_or_else(PoisonError::into_inner);
            errands.push(errand);
        }
    }

    fn open_session(&self) -> Result<Session, McpError> {
        let session = self.session().clone();
        match session.is_closed {
            true => Err(McpError::Closed {
                reason: "it was closed".to_owned(),
            }),
            false => Ok(session),
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Tells the server when nobody waits for an answer any more. That the exchange was given up it must not take as that.
struct Question<'a> {
    wire: &'a HttpWire,
    session: &'a Session,
    id: u64,
    is_open: bool,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.wire.tell_later(self.session, rpc::cancelled(self.id));
        }
    }
}

impl fmt::Debug for HttpWire {
    /// Shows no header: there may be a key in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpWire")
            .field("uri", &self.sender.uri)
            .finish_non_exhaustive()
    }
}

/// How long a farewell may take.
const LEAVE: Duration = Duration::from_secs(5);
/// How many farewells there may be at once.
const ERRANDS: usize = 64;
/// How often a stream is continued before its answer is given up.
const RESUMED: usize = 8;
/// How long before it is continued.
const PAUSE: Duration = Duration::from_secs(1);
/// How many questions of the server's are answered while it answers one.
const REPLIES: usize = 256;
