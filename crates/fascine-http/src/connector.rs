use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_lock::Semaphore;
use fascine_rt::{BoxFuture, Rt};

use crate::connection::Connection;
use crate::dial::dial;
use crate::resolve::Resolve;
use crate::route::Route;
use crate::{BoxSocket, Net, TransportError, tunnel};

/// Makes new connections.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) rt: Rt,
    pub(crate) net: Arc<dyn Net>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) secure: Option<Arc<dyn SecureLayer>>,
    /// A thousand dials at once overflow the accept queue of most servers.
    pub(crate) dials: Arc<Semaphore>,
}

/// Puts encryption on a connection.
pub(crate) trait SecureLayer: fmt::Debug + Send + Sync {
    fn handshake(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<BoxSocket>>;

    /// Offers HTTP/2 as well, and says what the server has chosen.
    #[cfg(feature = "hyper")]
    fn negotiate(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<(BoxSocket, Http)>>;
}

/// The version of HTTP on a connection.
#[cfg(feature = "hyper")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

impl Connector {
    pub(crate) async fn connect(&self, route: &Route) -> Result<Connection, TransportError> {
        let secure = self.secure_layer(route)?;
        let _dial = self.dials.acquire().await;
        let connection = self.open(route).await?;
        let Some(secure) = secure else {
            return Ok(connection);
        };
        let host = &route.origin.host;
        match secure.handshake(host, connection.socket).await {
            Ok(socket) => Ok(Connection::new(socket)),
            Err(source) => Err(tls_failed(host, source)),
        }
    }

    /// Makes a connection of HTTP/2, or of HTTP/1.1 if that is what a server chooses that can choose.
    #[cfg(feature = "hyper")]
    pub(crate) async fn negotiate(
        &self,
        route: &Route,
    ) -> Result<(Connection, Http), TransportError> {
        let secure = self.secure_layer(route)?;
        let _dial = self.dials.acquire().await;
        let connection = self.open(route).await?;
        let Some(secure) = secure else {
            return Ok((connection, Http::Two));
        };
        let host = &route.origin.host;
        match secure.negotiate(host, connection.socket).await {
            Ok((socket, http)) => Ok((Connection::new(socket), http)),
            Err(source) => Err(tls_failed(host, source)),
        }
    }

    fn secure_layer(&self, route: &Route) -> Result<Option<&dyn SecureLayer>, TransportError> {
        match (&self.secure, route.origin.secure) {
            (Some(secure), true) => Ok(Some(&**secure)),
            (None, true) => {
                let reason = "https needs TLS, and this transport was given none".to_owned();
                Err(TransportError::InvalidUrl { reason })
            }
            (_, false) => Ok(None),
        }
    }

    /// Opens a connection over which the server can be reached: through a tunnel, if need be.
    async fn open(&self, route: &Route) -> Result<Connection, TransportError> {
        let (host, port) = route.endpoint();
        let addresses = self.resolve(host, port).await?;
        let dialed = dial(&self.rt, &*self.net, addresses).await;
        let socket = dialed.map_err(|source| TransportError::Connect {
            host: host.to_owned(),
            port,
            source,
        })?;
        let mut connection = Connection::new(socket);
        if let Some(proxy) = &route.proxy
            && route.origin.secure
        {
            tunnel::open(&mut connection, proxy, &route.origin).await?;
        }
        Ok(connection)
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let failed = |source| TransportError::Resolve {
            host: host.to_owned(),
            source,
        };
        let found = self.resolver.resolve(host, port).await.map_err(failed)?;
        if found.is_empty() {
            let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(failed(source));
        }
        Ok(found)
    }
}

fn tls_failed(host: &str, source: io::Error) -> TransportError {
    TransportError::Tls {
        host: host.to_owned(),
        source,
    }
}
