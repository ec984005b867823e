use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use async_lock::Semaphore;
use fascine_rt::{BoxFuture, Rt};

use crate::connection::Connection;
use crate::url::Origin;
use crate::{BoxSocket, Net, TransportError};

/// Makes new connections.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) rt: Rt,
    pub(crate) net: Arc<dyn Net>,
    pub(crate) secure: Option<Arc<dyn SecureLayer>>,
    /// A thousand dials at once overflow the accept queue of most servers.
    pub(crate) dials: Arc<Semaphore>,
}

/// Puts encryption on a connection.
pub(crate) trait SecureLayer: fmt::Debug + Send + Sync {
    fn handshake(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<BoxSocket>>;
}

impl Connector {
    pub(crate) async fn connect(&self, origin: &Origin) -> Result<Connection, TransportError> {
        let secure = match (&self.secure, origin.secure) {
            (Some(secure), true) => Some(secure),
            (None, true) => {
                let reason = "https needs TLS, and this transport was given none".to_owned();
                return Err(TransportError::InvalidUrl { reason });
            }
            (_, false) => None,
        };
        let _dial = self.dials.acquire().await;
        let addresses = self.resolve(origin).await?;
        let socket = self.dial(origin, &addresses).await?;
        let socket = match secure {
            Some(secure) => {
                let shaken = secure.handshake(&origin.host, socket).await;
                let host = || origin.host.clone();
                shaken.map_err(|source| TransportError::Tls {
                    host: host(),
                    source,
                })?
            }
            None => socket,
        };
        Ok(Connection::new(socket))
    }

    async fn resolve(&self, origin: &Origin) -> Result<Vec<SocketAddr>, TransportError> {
        let Origin { host, port, .. } = origin.clone();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.clone();
        // The system's resolver blocks.
        let found = self.rt.unblock(move || {
            (name.as_str(), port)
                .to_socket_addrs()
                .map(|found| found.collect::<Vec<_>>())
        });
        match found.await {
            Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            Ok(Ok(_)) => {
                let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                Err(TransportError::Resolve { host, source })
            }
            Ok(Err(source)) => Err(TransportError::Resolve { host, source }),
            Err(gone) => Err(TransportError::Resolve {
                host,
                source: io::Error::other(gone),
            }),
        }
    }

    /// Tries the addresses in turn.
    async fn dial(
        &self,
        origin: &Origin,
        addresses: &[SocketAddr],
    ) -> Result<BoxSocket, TransportError> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match self.net.connect(*address).await {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        let Origin { host, port, .. } = origin.clone();
        Err(TransportError::Connect {
            host,
            port,
            source: last,
        })
    }
}
