//! Bytes over HTTP: bodies, pools, timeouts, broken servers.

mod broken;
mod cancelled;
mod credentials;
mod dial;
#[cfg(any(feature = "brotli", feature = "gzip"))]
mod encodings;
mod exchange;
mod fuzzing;
#[cfg(feature = "hyper")]
mod http2;
mod memory;
mod memory_net;
mod ndjson;
mod pool;
mod proxies;
mod server;
mod sse;
#[cfg(feature = "surf")]
mod surf;
mod timeouts;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "tokio")]
mod tokio_outside;
