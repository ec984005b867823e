//! HTTP/2 by hyper: one task of the runtime drives each connection, and many requests share it.

mod transport;

mod config;

mod client;

mod body;
mod connection;
mod dial;
mod driver;
mod error;
mod io;
mod pool;
mod request;
mod streams;
mod timer;

pub use config::Http2Config;
pub use io::HyperIo;
pub use transport::HyperTransport;
