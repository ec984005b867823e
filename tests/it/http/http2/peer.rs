//! A server that speaks HTTP/2 frame by frame (RFC 9113, section 6).

use std::sync::Arc;

use fascine::http::{BoxSocket, Net};
use fascine::rt::Rt;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use crate::http::server::Server;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

pub(super) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;

pub(super) const NO_ERROR: u32 = 0;
pub(super) const PROTOCOL_ERROR: u32 = 1;
pub(super) const INTERNAL_ERROR: u32 = 2;
pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The number that is all there is in it, or the last of it.
    pub(super) fn number(&self) -> u32 {
        let last = self.payload.last_chunk().unwrap();
        u32::from_be_bytes(*last)
    }
}

/// The server's side of one connection.
pub(super) struct Peer {
    socket: BoxSocket,
    pub(super) answers_pings: bool,
}

/// Handles each connection by frames. It has said that it takes so many requests at once.
pub(super) async fn serve<F>(
    rt: &Rt,
    net: &Arc<dyn Net>,
    streams: u32,
    handle: impl Fn(Peer, usize) -> F + Clone + Send + Sync + 'static,
) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    Server::start(rt, net, move |socket| {
        let number = connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let handle = handle.clone();
        async move {
            let Some(mut peer) = Peer::greet(socket).await else {
                return;
            };
            peer.settings(&[(MAX_CONCURRENT_STREAMS, streams)]).await;
            handle(peer, number).await;
        }
    })
    .await
}

impl Peer {
    /// Reads the preface.
    pub(super) async fn greet(mut socket: BoxSocket) -> Option<Self> {
        let mut preface = [0; 24];
        socket.read_exact(&mut preface).await.ok()?;
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        Some(Self {
            socket,
            answers_pings: true,
        })
    }

    /// Waits for the next frame; acknowledges settings and pings by itself. `None` when the client has gone.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head).await.ok()?;
        let [_, a, b, kind, flags, w, x, y, z] = head;
        let mut payload = vec![0; usize::from(u16::from_be_bytes([a, b]))];
        self.socket.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([w, x, y, z]);
        if kind == SETTINGS && flags & ACK == 0 {
            self.send(SETTINGS, ACK, 0, &[]).await;
        }
        if kind == PING && flags & ACK == 0 && self.answers_pings {
            self.send(PING, ACK, 0, &payload).await;
        }
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }

    /// Waits for a frame of this kind.
    pub(super) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// Waits for the end of a request, and gives its stream.
    pub(super) async fn request(&mut self) -> Option<u32> {
        loop {
            let frame = self.next().await?;
            if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                return Some(frame.stream);
            }
        }
    }

    /// Sends a frame; that nobody reads it is noticed elsewhere.
    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        let _ = self.socket.write_all(&frame).await;
        let _ = self.socket.flush().await;
    }

    pub(super) async fn settings(&mut self, settings: &[(u16, u32)]) {
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        self.send(SETTINGS, 0, 0, &payload).await;
    }

    /// Status 200, and these headers.
    pub(super) async fn ok(&mut self, stream: u32, headers: &[(&str, &str)], flags: u8) {
        let mut payload = vec![0x88];
        payload.extend(literal(headers));
        let flags = flags | END_HEADERS;
        self.send(HEADERS, flags, stream, &payload).await;
    }

    pub(super) async fn trailers(&mut self, stream: u32, headers: &[(&str, &str)]) {
        let payload = literal(headers);
        let flags = END_HEADERS | END_STREAM;
        self.send(HEADERS, flags, stream, &payload).await;
    }

    pub(super) async fn data(&mut self, stream: u32, piece: &[u8], flags: u8) {
        self.send(DATA, flags, stream, piece).await;
    }

    /// A whole answer.
    pub(super) async fn answer(&mut self, stream: u32, body: &[u8]) {
        self.ok(stream, &[], 0).await;
        self.data(stream, body, END_STREAM).await;
    }

    pub(super) async fn reset(&mut self, stream: u32, code: u32) {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }

    pub(super) async fn go_away(&mut self, last: u32, code: u32) {
        let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }
}

/// Headers that are neither indexed nor compressed (RFC 7541, 6.2.2).
fn literal(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}
