use std::io;
use std::time::Duration;

use fascine_http::BoxSocket;
use fascine_rt::Rt;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use http::{Request, Response, StatusCode, header};
use ureq_proto::server::state::{ProvideResponse, RecvBody};
use ureq_proto::server::{RecvRequestResult, Reply as Proto, SendResponseResult};

use crate::reply::{Reply, ReplyBody};
use crate::state::{Outcome, State};

/// Serves one connection until either side closes it.
pub(crate) async fn serve(state: &State, socket: BoxSocket) {
    let mut connection = Connection {
        rt: state.rt.clone(),
        socket,
        unused: Vec::new(),
    };
    // A connection that breaks is the client's affair: it sees it, and there is nobody else to tell.
    while let Ok(true) = connection.serve_one(state).await {}
    let _ = connection.socket.close().await;
}

struct Connection {
    rt: Rt,
    socket: BoxSocket,
    unused: Vec<u8>,
}

impl Connection {
    /// Serves one request; false when the connection is to be closed.
    async fn serve_one(&mut self, state: &State) -> io::Result<bool> {
        let Some((request, proto)) = self.receive().await? else {
            return Ok(false);
        };
        let outcome = match request {
            Ok(request) => state.decide(&request),
            Err(reply) => Outcome::Reply {
                after: Duration::ZERO,
                reply,
            },
        };
        match outcome {
            Outcome::Close => Ok(false),
            Outcome::Reply { after, reply } => {
                if !after.is_zero() {
                    self.rt.sleep(after).await;
                }
                self.send(proto, reply).await
            }
            Outcome::Silence => {
                while self.fill(Duration::MAX).await? > 0 {
                    self.unused.clear();
                }
                Ok(false)
            }
        }
    }

    /// Reads a whole request, or what to answer to one that is too large; `None` when the client has gone.
    async fn receive(&mut self) -> io::Result<Option<(Incoming, Proto<ProvideResponse>)>> {
        let mut proto = Proto::new().map_err(invalid)?;
        let head = loop {
            let (used, head) = proto.try_request(&self.unused).map_err(invalid)?;
            self.unused.drain(..used);
            if let Some(head) = head {
                break head;
            }
            if self.unused.len() > MAX_HEAD || self.fill(IDLE).await? == 0 {
                return Ok(None);
            }
        };
        let mut body = Vec::new();
        let proto = match proto.proceed() {
            Some(RecvRequestResult::ProvideResponse(proto)) => proto,
            Some(RecvRequestResult::RecvBody(proto)) => {
                match self.receive_body(proto, &mut body).await? {
                    Some(proto) => proto,
                    None => return Ok(None),
                }
            }
            Some(RecvRequestResult::Send100(proto)) => {
                let mut line = [0; 64];
                let (count, proto) = proto.accept(&mut line).map_err(invalid)?;
                self.socket.write_all(&line[..count]).await?;
                match self.receive_body(proto, &mut body).await? {
                    Some(proto) => proto,
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        let incoming = if body.len() > MAX_BODY {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            let message = "The request is too large.";
            let mut reply = Reply::error(status, message, "invalid_request_error", None, None);
            reply
                .headers
                .insert(header::CONNECTION, http::HeaderValue::from_static("close"));
            Err(reply)
        } else {
            Ok(head.map(|()| body))
        };
        Ok(Some((incoming, proto)))
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
            if used == 0 && !proto.is_ended() && self.fill(IDLE).await? == 0 {
                return Ok(None);
            }
        }
        proto.proceed().map(Some).map_err(invalid)
    }

    async fn send(&mut self, proto: Proto<ProvideResponse>, reply: Reply) -> io::Result<bool> {
        let mut response = Response::new(());
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        if let ReplyBody::Whole(body) = &reply.body {
            let length = http::HeaderValue::from(body.len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        let mut proto = proto.provide(response).map_err(invalid)?;
        let mut head = vec![0; MAX_HEAD];
        let mut written = 0;
        while !proto.is_finished() {
            written += proto.write(&mut head[written..]).map_err(invalid)?;
        }
        self.socket.write_all(&head[..written]).await?;
        let mut proto = match proto.proceed() {
            SendResponseResult::SendBody(proto) => proto,
            SendResponseResult::Cleanup(proto) => return Ok(!proto.must_close_connection()),
        };
        let (pieces, half): (Vec<Vec<u8>>, usize) = match reply.body {
            ReplyBody::Events(events) => {
                let pieces: Vec<_> = events.into_iter().map(String::into_bytes).collect();
                let half = pieces.len() / 2;
                (pieces, half)
            }
            ReplyBody::Whole(body) => {
                let (first, second) = body.split_at(body.len() / 2);
                (vec![first.to_vec(), second.to_vec()], 1)
            }
        };
        for (index, piece) in pieces.iter().enumerate() {
            if reply.cut && index == half {
                return Ok(false);
            }
            let mut left = &piece[..];
            while !left.is_empty() {
                let mut out = vec![0; left.len() + 64];
                let (used, count) = proto.write(left, &mut out).map_err(invalid)?;
                left = &left[used..];
                self.socket.write_all(&out[..count]).await?;
            }
        }
        if !proto.is_finished() {
            let mut out = [0; 64];
            let (_, count) = proto.write(&[], &mut out).map_err(invalid)?;
            self.socket.write_all(&out[..count]).await?;
        }
        self.socket.flush().await?;
        Ok(!proto.proceed().must_close_connection())
    }

    /// Reads some more, within `limit`; 0 at the end of the stream.
    async fn fill(&mut self, limit: Duration) -> io::Result<usize> {
        let mut piece = [0; 8 * 1024];
        let expired = async {
            self.rt.sleep(limit).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let count = future::or(self.socket.read(&mut piece), expired).await?;
        self.unused.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

/// A request, or what to answer to one that is none.
type Incoming = Result<Request<Vec<u8>>, Reply>;

fn invalid(error: ureq_proto::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 8 * 1024 * 1024;
/// How long a client may pause.
const IDLE: Duration = Duration::from_secs(60);
