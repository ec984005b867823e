//! Bytes over HTTP, on any async runtime; knows nothing of models.
//!
//! A [`Transport`] sends a request and gives a response whose [`Body`] streams. [`H1Transport`] is the one to use: its
//! protocol is without I/O, on the parser of `ureq-proto`, and the request's own future drives the connection, so there
//! is no task, no channel and no executor behind it, and dropping the future closes the connection. Its sockets come
//! from a [`Net`]; [`MemoryNet`] is one without an operating system, for tests in virtual time. What streams in a body
//! is taken apart by [`sse::Decoder`] and [`ndjson::Decoder`].
//!
//! ```
//! use bytes::Bytes;
//! use fascine_http::{H1Transport, MemoryNet, Net, Transport};
//! use futures_lite::{AsyncReadExt, AsyncWriteExt};
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let net = MemoryNet::new();
//! let listener = net.listen("127.0.0.1:80".parse().unwrap()).await.unwrap();
//! let server = rt.spawn(async move {
//!     let (mut socket, _peer) = listener.accept().await.unwrap();
//!     let mut request = [0; 1024];
//!     let _ = socket.read(&mut request).await.unwrap();
//!     socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await.unwrap();
//! });
//!
//! let transport = H1Transport::new(&rt, net);
//! let request = http::Request::get("http://127.0.0.1/").body(Bytes::new()).unwrap();
//! let response = transport.send(request).await.unwrap();
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.into_body().collect(1024).await.unwrap(), "hello");
//! # server.await.unwrap();
//! # });
//! ```
//!
//! # Features
//!
//! None is on by default. Each adds types and changes nothing else; all together is a supported build.
//!
//! - `async-io`: [`AsyncIoNet`], the sockets for smol, async-std and embedded executors.
//! - `tokio`: [`TokioNet`], the sockets for tokio.
//! - `rustls`: [`Tls`], https by rustls with the ring provider.
//! - `platform-roots`: trust in the authorities that the operating system trusts, for [`Tls`].
//! - `gzip`: bodies in gzip, decoded as they come.
//! - `brotli`: bodies in brotli, decoded as they come.
//! - `hyper`: [`HyperTransport`], HTTP/2 where the server speaks it. It brings tokio's `sync` and `io-util` and
//!   tokio-util's `codec` into the tree: channels and traits, no runtime, no reactor, no timers. It works on every runtime.
//! - `surf`: [`SurfTransport`] and [`SurfBackend`], for programs that live on surf.

mod transport;

mod body;
mod error;
mod net;
mod resolve;
mod timeouts;
mod url;

mod h1;
mod h1_client;

mod credentials;
mod last_route;
mod no_proxy;
mod percent;
mod proxies;
mod proxy;
mod proxy_error;
mod route;

mod connector;
mod dial;
mod pool;
mod tunnel;

mod chunked;
mod connection;
mod decode;
mod exchange;
mod framing;
mod h1_body;
mod request_head;
mod stopwatch;

mod memory_net;
pub mod ndjson;
pub mod sse;

#[cfg(feature = "async-io")]
mod async_io_net;
#[cfg(feature = "brotli")]
mod brotli;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "hyper")]
mod http2;
#[cfg(feature = "surf")]
mod surf_backend;
#[cfg(feature = "surf")]
mod surf_carried;
#[cfg(feature = "surf")]
mod surf_transport;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "rustls")]
mod tls_builder;
#[cfg(feature = "rustls")]
mod tls_error;
#[cfg(feature = "tokio")]
mod tokio_net;

pub use body::Body;
pub use error::{Phase, TransportError};
pub use h1::{H1Transport, PoolConfig, RetrySafe};
pub use memory_net::MemoryNet;
pub use net::{BoxSocket, Listener, LocalFuture, Net, Socket};
pub use proxies::Proxies;
pub use proxy_error::ProxyError;
pub use resolve::Resolve;
pub use timeouts::Timeouts;
pub use transport::Transport;

#[cfg(feature = "async-io")]
pub use async_io_net::AsyncIoNet;
#[cfg(feature = "hyper")]
pub use http2::{Http2Config, HyperIo, HyperTransport};
#[cfg(feature = "surf")]
pub use surf_backend::SurfBackend;
#[cfg(feature = "surf")]
pub use surf_transport::SurfTransport;
#[cfg(feature = "rustls")]
pub use tls::Tls;
#[cfg(feature = "rustls")]
pub use tls_builder::TlsBuilder;
#[cfg(feature = "rustls")]
pub use tls_error::TlsError;
#[cfg(feature = "tokio")]
pub use tokio_net::TokioNet;
