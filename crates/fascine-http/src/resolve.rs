use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use fascine_rt::{BoxFuture, Rt};

/// Finds the addresses of a name.
///
/// # Examples
///
/// A resolver that knows one name:
///
/// ```
/// use fascine_http::Resolve;
/// use fascine_rt::BoxFuture;
/// use std::io;
/// use std::net::SocketAddr;
///
/// #[derive(Debug)]
/// struct OneName;
///
/// impl Resolve for OneName {
///     fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
///         let found = (host == "models.internal").then(|| SocketAddr::from(([10, 0, 0, 7], port)));
///         Box::pin(async move { found.map(|address| vec![address]).ok_or(io::ErrorKind::NotFound.into()) })
///     }
/// }
/// ```
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// Finds the addresses of `host`, the preferred ones first. Never asked for what is an address already.
    ///
    /// # Errors
    ///
    /// The future gives why there are none. An empty list says the same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the search.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>>;
}

/// The operating system's resolver, which blocks: it is asked on a thread that may be blocked.
#[derive(Debug)]
pub(crate) struct SystemResolver(pub(crate) Rt);

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let host = host.to_owned();
        let search = self
            .0
            .unblock(move || Ok((host.as_str(), port).to_socket_addrs()?.collect()));
        Box::pin(async move {
            search
                .await
                .unwrap_or_else(|gone| Err(io::Error::other(gone)))
        })
    }
}
