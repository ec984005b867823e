use std::io;
use std::sync::Arc;
use std::time::Duration;

use fascine_http::BoxSocket;
use fascine_rt::Rt;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use http::{HeaderMap, Method, Request, Version, header};
use ureq_proto::server::state::{ProvideResponse, RecvBody};
use ureq_proto::server::{RecvRequestResult, Reply as Proto};

use crate::delivery::{Step, plan};
use crate::framing::Manner;
use crate::state::State;

/// Serves one connection until either side closes it.
pub(crate) async fn serve(state: &Arc<State>, socket: BoxSocket) {
    let mut connection = Connection {
        rt: state.rt.clone(),
        socket,
        unused: Vec::new(),
    };
    // A connection that breaks is the client's affair: it sees it, and there is nobody else to tell.
    let ended = loop {
        match connection.serve_one(state).await {
            Ok(After::More) => {}
            Ok(After::Reset) => return,
            Ok(After::End) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if ended.is_ok() {
        let _ = connection.socket.close().await;
    }
}

/// What follows a request.
#[derive(Debug, PartialEq, Eq)]
enum After {
    More,
    End,
    /// The connection is dropped with bytes that were not read, which TCP answers with a reset.
    Reset,
}

struct Connection {
    rt: Rt,
    socket: BoxSocket,
    unused: Vec<u8>,
}

impl Connection {
    async fn serve_one(&mut self, state: &Arc<State>) -> io::Result<After> {
        if self.unused.is_empty() {
            // Where resets may happen the rest of the request is left where it is until that is known.
            let most = if state.may_reset() { 1 } else { PIECE };
            if self.fill(IDLE, most).await? == 0 {
                return Ok(After::End);
            }
        }
        let number = state.arrive();
        if state.may_reset() && state.resets(number) {
            return Ok(After::Reset);
        }
        let Some(received) = self.receive().await? else {
            state.abort();
            return Ok(After::End);
        };
        let manner = Manner {
            chunks: received.head.version() != Version::HTTP_10,
            // An answer to HEAD has no body, and none of ours is without: what follows is not read as the next answer.
            keep_alive: received.keeps_alive
                && received.body.is_some()
                && received.head.method() != Method::HEAD,
            event_delay: state.settings.event_delay,
        };
        let (steps, place) = match received.body {
            Some(body) => {
                let decision = state.decide(number, &received.head.map(|()| body));
                let mut steps = vec![Step::Pause(decision.after)];
                steps.extend(plan(decision.reply, decision.fault.as_ref(), manner));
                (steps, decision.place)
            }
            None => (plan(state.too_large(&received.head), None, manner), None),
        };
        let delivered = self.deliver(steps).await;
        drop(place);
        match delivered {
            Ok(Delivered::Whole(after)) => Ok(after),
            Ok(Delivered::Abandoned) => {
                state.abort();
                Ok(After::End)
            }
            Err(error) => {
                state.abort();
                Err(error)
            }
        }
    }

    async fn deliver(&mut self, steps: Vec<Step>) -> io::Result<Delivered> {
        for step in steps {
            match step {
                Step::Send(bytes) => self.socket.write_all(&bytes).await?,
                Step::Pause(Duration::ZERO) => {}
                Step::Pause(time) => {
                    self.socket.flush().await?;
                    if self.leaves_within(time).await? {
                        return Ok(Delivered::Abandoned);
                    }
                }
                Step::Stall => {
                    self.socket.flush().await?;
                    while !self.leaves_within(Duration::MAX).await? {}
                    return Ok(Delivered::Abandoned);
                }
                Step::Close => {
                    self.socket.flush().await?;
                    return Ok(Delivered::Whole(After::End));
                }
            }
        }
        self.socket.flush().await?;
        Ok(Delivered::Whole(After::More))
    }

    /// Waits, unless the client leaves before.
    async fn leaves_within(&mut self, time: Duration) -> io::Result<bool> {
        let deadline = self.rt.deadline_after(time);
        loop {
            if self.unused.len() > MAX_HEAD {
                // It talks on without waiting for its answer; it is not listened to any longer.
                self.rt.sleep(time).await;
                return Ok(false);
            }
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(self.rt.now()),
                None => Duration::MAX,
            };
            match self.fill(left, PIECE).await {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a whole request; `None` when the client has gone.
    async fn receive(&mut self) -> io::Result<Option<Received>> {
        let mut proto = Proto::new().map_err(invalid)?;
        let head = loop {
            let (used, head) = proto.try_request(&self.unused).map_err(invalid)?;
            self.unused.drain(..used);
            if let Some(head) = head {
                break head;
            }
            if self.unused.len() > MAX_HEAD || self.fill(IDLE, PIECE).await? == 0 {
                return Ok(None);
            }
        };
        let mut body = Vec::new();
        match proto.proceed() {
            Some(RecvRequestResult::ProvideResponse(_)) => {}
            Some(RecvRequestResult::RecvBody(proto)) => {
                if self.receive_body(proto, &mut body).await?.is_none() {
                    return Ok(None);
                }
            }
            Some(RecvRequestResult::Send100(proto)) => {
                let mut line = [0; 64];
                let (count, proto) = proto.accept(&mut line).map_err(invalid)?;
                self.socket.write_all(&line[..count]).await?;
                if self.receive_body(proto, &mut body).await?.is_none() {
                    return Ok(None);
                }
            }
            None => return Ok(None),
        }
        Ok(Some(Received {
            keeps_alive: keeps_alive(head.version(), head.headers()),
            body: (body.len() <= MAX_BODY).then_some(body),
            head,
        }))
    }

    async fn receive_body(
        &mut self,
        mut proto: Proto<RecvBody>,
        body: &mut Vec<u8>,
    ) -> io::Result<Option<Proto<ProvideResponse>>> {
        let mut discarded = 0;
        while !proto.is_ended() {
            let mut piece = vec![0; self.unused.len()];
            let (used, written) = proto.read(&self.unused, &mut piece).map_err(invalid)?;
            self.unused.drain(..used);
            if body.len() <= MAX_BODY {
                body.extend_from_slice(&piece[..written]);
            } else {
                // Read on for a while, so that the client is told rather than cut off.
                discarded += written;
                if discarded > 8 * MAX_BODY {
                    return Ok(None);
                }
            }
            if used == 0 && !proto.is_ended() && self.fill(IDLE, PIECE).await? == 0 {
                return Ok(None);
            }
        }
        proto.proceed().map(Some).map_err(invalid)
    }

    /// Reads up to so many bytes more, within `limit`; 0 at the end of the stream.
    async fn fill(&mut self, limit: Duration, most: usize) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let expired = async {
            self.rt.sleep(limit).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let read = self.socket.read(&mut piece[..most.min(PIECE)]);
        let count = future::or(read, expired).await?;
        self.unused.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

struct Received {
    head: Request<()>,
    /// Nothing if it is too large.
    body: Option<Vec<u8>>,
    keeps_alive: bool,
}

enum Delivered {
    Whole(After),
    /// The client left before the end.
    Abandoned,
}

fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let connection = headers.get(header::CONNECTION);
    let says = |word: &str| {
        let value = connection.and_then(|value| value.to_str().ok());
        let mut words = value.unwrap_or_default().split(',');
        words.any(|given| given.trim().eq_ignore_ascii_case(word))
    };
    match version {
        Version::HTTP_10 => says("keep-alive"),
        _ => !says("close"),
    }
}

fn invalid(error: ureq_proto::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

const PIECE: usize = 8 * 1024;
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 8 * 1024 * 1024;
/// How long a client may pause.
const IDLE: Duration = Duration::from_secs(60);
