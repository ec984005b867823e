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
}

impl Connector {
    pub(crate) async fn connect(&self, route: &Route) -> Result<Connection, TransportError> {
        let origin = &route.origin;
        let secure = match (&self.secure, origin.secure) {
            (Some(secure), true) => Some(secure),
            (None, true) => {
                let reason = "https needs TLS, and this transport was given none".to_owned();
                return Err(TransportError::InvalidUrl { reason });
            }
            (_, false) => None,
        };
        let _dial = self.dials.acquire().await;
        let (host, port) = route.endpoint();
        let addresses = self.resolve(host, port).await?;
        let dialed = dial(&self.rt, &*self.net, addresses).await;
        let socket = dialed.map_err(|source| TransportError::Connect {
            host: host.to_owned(),
            port,
            source,
        })?;
        let mut connection = Connection::new(socket);
        let Some(secure) = secure else {
            return Ok(connection);
        };
        if let Some(proxy) = &route.proxy {
            tunnel::open(&mut connection, proxy, origin).await?;
        }
        match secure.handshake(&origin.host, connection.socket).await {
            Ok(socket) => Ok(Connection::new(socket)),
            Err(source) => Err(TransportError::Tls {
                host: origin.host.clone(),
                source,
            }),
        }
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
