//! Servers that are written byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use fascine::http::{BoxSocket, Net};
use fascine::rt::{Rt, Task};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// A port where each connection is handled by a function.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) accepted: Arc<AtomicUsize>,
    /// How many connections have been handled to their end.
    pub(super) ended: Arc<AtomicUsize>,
    _accept: Task<()>,
}

impl Server {
    pub(super) async fn start<F>(
        rt: &Rt,
        net: &Arc<dyn Net>,
        handle: impl Fn(BoxSocket) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (accepted, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let accept = rt.spawn({
            let (rt, accepted, ended) = (rt.clone(), Arc::clone(&accepted), Arc::clone(&ended));
            async move {
                let mut open = Vec::new();
                while let Ok((socket, _)) = listener.accept().await {
                    accepted.fetch_add(1, SeqCst);
                    let (handled, ended) = (handle(socket), Arc::clone(&ended));
                    open.push(rt.spawn(async move {
                        handled.await;
                        ended.fetch_add(1, SeqCst);
                    }));
                }
            }
        });
        Self {
            url,
            accepted,
            ended,
            _accept: accept,
        }
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    pub(super) fn ended(&self) -> usize {
        self.ended.load(SeqCst)
    }
}

/// Sends back every body, on connections that are kept.
pub(super) async fn echo(rt: &Rt, net: &Arc<dyn Net>) -> Server {
    Server::start(rt, net, |mut socket| async move {
        while let Some((_, body)) = read_request(&mut socket).await {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            if socket
                .write_all(&[head.as_bytes(), &body].concat())
                .await
                .is_err()
            {
                break;
            }
        }
    })
    .await
}

/// Reads one request and gives its head and body; `None` when the client has gone.
pub(super) async fn read_request(
    socket: &mut (impl AsyncRead + Unpin),
) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    let mut head: Option<(String, usize)> = None;
    loop {
        if head.is_none()
            && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            bytes.drain(..end + 4);
            head = Some((text, length));
        }
        if let Some((text, length)) = &head
            && bytes.len() >= *length
        {
            return Some((text.clone(), bytes));
        }
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

pub(super) fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).unwrap()
}

pub(super) fn post(url: &str, body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post(url).body(body.into()).unwrap()
}
