//! The floor: a bare hyper 1 client with a list of idle connections, driven by the request's own future.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::rt::{Read, Write};

pub(super) trait Io: Read + Write + Unpin + Send + 'static {}

impl<T: Read + Write + Unpin + Send + 'static> Io for T {}

type BoxIo = Box<dyn Io>;
type Connecting = Pin<Box<dyn Future<Output = BoxIo> + Send>>;

#[derive(Clone)]
pub(super) struct HyperClient {
    idle: Arc<Mutex<Vec<Conn>>>,
    address: SocketAddr,
    connect: fn(SocketAddr) -> Connecting,
}

struct Conn {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<Connection<BoxIo, Full<Bytes>>>>,
}

impl HyperClient {
    pub(super) fn on_smol(port: u16) -> Self {
        Self::new(port, |address| {
            Box::pin(async move {
                let socket = smol::net::TcpStream::connect(address)
                    .await
                    .expect("a server");
                socket.set_nodelay(true).expect("a socket");
                Box::new(smol_hyper::rt::FuturesIo::new(socket)) as BoxIo
            })
        })
    }

    pub(super) fn on_tokio(port: u16) -> Self {
        Self::new(port, |address| {
            Box::pin(async move {
                let socket = tokio::net::TcpStream::connect(address)
                    .await
                    .expect("a server");
                socket.set_nodelay(true).expect("a socket");
                Box::new(hyper_util::rt::TokioIo::new(socket)) as BoxIo
            })
        })
    }

    fn new(port: u16, connect: fn(SocketAddr) -> Connecting) -> Self {
        Self {
            idle: Arc::default(),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            connect,
        }
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Leased> {
        let idle = self.idle.lock().expect("nobody panics").pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => {
                let io = (self.connect)(self.address).await;
                let (sender, connection) = handshake(io).await.expect("a connection");
                let driver = Box::pin(connection);
                Conn { sender, driver }
            }
        };
        let mut answered = std::pin::pin!(conn.sender.send_request(request));
        let driver = &mut conn.driver;
        let response = poll_fn(|cx| {
            let _ = driver.as_mut().poll(cx);
            answered.as_mut().poll(cx)
        });
        let response = response.await.expect("an answer");
        response.map(|body| Leased {
            body,
            conn: Some(conn),
            client: self.clone(),
        })
    }
}

/// A body that gives its connection back at its end.
pub(super) struct Leased {
    body: Incoming,
    conn: Option<Conn>,
    client: HyperClient,
}

impl Body for Leased {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.body).poll_frame(cx);
        if polled.is_pending()
            && let Some(conn) = &mut this.conn
        {
            let _ = conn.driver.as_mut().poll(cx);
            polled = Pin::new(&mut this.body).poll_frame(cx);
        }
        let ended = matches!(polled, Poll::Ready(None)) || this.body.is_end_stream();
        if ended && let Some(mut conn) = this.conn.take() {
            let gone = conn.driver.as_mut().poll(cx).is_ready();
            if !gone && conn.sender.is_ready() {
                this.client.idle.lock().expect("nobody panics").push(conn);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
