use std::fmt;
use std::io;
use std::sync::Arc;

use fascine_rt::BoxFuture;
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::rustls::ClientConfig;
use futures_rustls::rustls::pki_types::ServerName;

#[cfg(feature = "hyper")]
use crate::connector::Http;
use crate::connector::SecureLayer;
use crate::{BoxSocket, TlsBuilder, TlsError};

/// https: rustls with the ring provider.
///
/// # Defaults
///
/// - the authorities of the `webpki-roots` crate, which are those that browsers trust
/// - TLS 1.2 and 1.3
/// - no certificate of our own
///
/// # Examples
///
/// ```
/// use fascine_http::Tls;
///
/// let tls = Tls::builder().build().unwrap();
/// ```
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts the authorities that browsers trust.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when the provider lacks the protocol versions; it does not.
    pub fn new() -> Result<Self, TlsError> {
        Self::builder().build()
    }

    /// Trusts these certificates, in DER form, beside the authorities that browsers trust.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when one of them is not a certificate.
    pub fn with_authorities(
        certificates: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Self, TlsError> {
        let builder = Self::builder();
        let with_all = certificates
            .into_iter()
            .fold(builder, TlsBuilder::authority_der);
        with_all.build()
    }

    /// Sets more than that.
    pub fn builder() -> TlsBuilder {
        TlsBuilder::new()
    }

    pub(crate) fn of_config(config: ClientConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }
}

impl SecureLayer for Tls {
    fn handshake(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<BoxSocket>> {
        let secured = secure(Arc::clone(&self.config), host, socket);
        Box::pin(async move { Ok(Box::new(secured.await?) as BoxSocket) })
    }

    #[cfg(feature = "hyper")]
    fn negotiate(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<(BoxSocket, Http)>> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let secured = secure(Arc::new(config), host, socket);
        Box::pin(async move {
            let secured = secured.await?;
            let http = match secured.get_ref().1.alpn_protocol() {
                Some(b"h2") => Http::Two,
                _ => Http::One,
            };
            Ok((Box::new(secured) as BoxSocket, http))
        })
    }
}

fn secure(
    config: Arc<ClientConfig>,
    host: &str,
    socket: BoxSocket,
) -> impl Future<Output = io::Result<TlsStream<BoxSocket>>> + use<> {
    let name = ServerName::try_from(host.to_owned());
    async move {
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        TlsConnector::from(config).connect(name, socket).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
