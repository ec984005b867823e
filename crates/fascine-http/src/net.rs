use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use fascine_rt::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};

/// Where connections come from.
pub trait Net: fmt::Debug + Send + Sync + 'static {
    /// Connects to `address`, with small writes sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// The future gives what the operating system said.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the connection.
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>>;

    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The future gives what the operating system said: the port is in use, say.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the port again.
    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>>;
}

/// A port that takes connections until it is dropped.
pub trait Listener: fmt::Debug + Send + Sync + 'static {
    /// The address it listens at.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// Waits for the next connection and gives it with the address of its other end.
    ///
    /// # Errors
    ///
    /// The future gives what the operating system said.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a connection that is not taken waits for the next call.
    fn accept(&self) -> LocalFuture<'_, io::Result<(BoxSocket, SocketAddr)>>;
}

/// A future on the heap that borrows.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection of some kind.
pub type BoxSocket = Box<dyn Socket>;

/// Both directions of a connection.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Socket for S {}

impl<N: Net + ?Sized> Net for Arc<N> {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        (**self).connect(address)
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        (**self).listen(address)
    }
}
