//! Bytes over HTTP: bodies, pools, timeouts, broken servers.

mod broken;
mod exchange;
mod memory_net;
mod pool;
mod server;
mod sse;
#[cfg(feature = "surf")]
mod surf;
mod timeouts;
#[cfg(feature = "tokio")]
mod tokio_outside;
