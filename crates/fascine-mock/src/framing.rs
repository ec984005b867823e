use std::fmt::Write as _;
use std::time::Duration;

use crate::reply::{Reply, ReplyBody};

/// How the client wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// It knows HTTP/1.1, and so bodies in chunks.
    pub(crate) chunks: bool,
    /// The connection stays open.
    pub(crate) keep_alive: bool,
    /// Between the events of a stream.
    pub(crate) event_delay: Duration,
}

/// How the end of a body is told.
#[derive(Clone, Copy)]
pub(crate) enum Framing {
    Chunks,
    Length(usize),
    UntilClosed,
}

/// The head of a response, as bytes.
pub(crate) fn head(reply: &Reply, framing: Framing, manner: Manner) -> Vec<u8> {
    let reason = reply.status.canonical_reason().unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", reply.status.as_u16()).into_bytes();
    for (name, value) in &reply.headers {
        head.extend(name.as_str().as_bytes());
        head.extend(b": ");
        head.extend(value.as_bytes());
        head.extend(b"\r\n");
    }
    let mut framed = String::new();
    // Writing to a string cannot fail.
    let _ = match framing {
        Framing::Chunks => framed.write_str("transfer-encoding: chunked\r\n"),
        Framing::Length(length) => write!(framed, "content-length: {length}\r\n"),
        Framing::UntilClosed => Ok(()),
    };
    if !stays_open(reply, manner) {
        framed.push_str("connection: close\r\n");
    }
    head.extend(framed.into_bytes());
    head.extend(b"\r\n");
    head
}

/// Whether another request may come after this reply.
pub(crate) fn stays_open(reply: &Reply, manner: Manner) -> bool {
    let is_until_closed = matches!(reply.body, ReplyBody::Events(_)) && !manner.chunks;
    manner.keep_alive && !is_until_closed
}

/// A piece of a body: a chunk, where there are chunks.
pub(crate) fn framed(bytes: &[u8], manner: Manner) -> Vec<u8> {
    if !manner.chunks || bytes.is_empty() {
        return bytes.to_vec();
    }
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend(bytes);
    chunk.extend(b"\r\n");
    chunk
}
