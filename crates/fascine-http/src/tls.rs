use std::fmt;
use std::io;
use std::sync::Arc;

use fascine_rt::BoxFuture;
use futures_rustls::TlsConnector;
use futures_rustls::rustls::pki_types::{CertificateDer, ServerName};
use futures_rustls::rustls::{self, ClientConfig, RootCertStore, crypto};

use crate::BoxSocket;
use crate::connector::SecureLayer;

/// https: rustls with the ring provider, and the roots of the `webpki-roots` crate.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// A certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the TLS configuration cannot be used: {reason}")]
#[non_exhaustive]
pub struct TlsError {
    /// What is wrong with it.
    pub reason: String,
}

impl Tls {
    /// Trusts the authorities that browsers trust.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when the provider lacks the protocol versions; it does not.
    pub fn new() -> Result<Self, TlsError> {
        Self::with_authorities([])
    }

    /// Trusts these certificates, in DER form, beside the authorities that browsers trust.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when one of them is not a certificate.
    pub fn with_authorities(
        certificates: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Self, TlsError> {
        let invalid = |error: rustls::Error| TlsError {
            reason: error.to_string(),
        };
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in certificates {
            roots
                .add(CertificateDer::from(certificate))
                .map_err(invalid)?;
        }
        // The provider by name: with two in one program, the process-wide default would be a panic.
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(invalid)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

impl SecureLayer for Tls {
    fn handshake(&self, host: &str, socket: BoxSocket) -> BoxFuture<io::Result<BoxSocket>> {
        let name = ServerName::try_from(host.to_owned());
        let connector = TlsConnector::from(Arc::clone(&self.config));
        Box::pin(async move {
            let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            Ok(Box::new(connector.connect(name, socket).await?) as BoxSocket)
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
