use std::fmt;
use std::sync::Arc;

use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::{Tls, TlsError};

/// Collects what a [`Tls`] is to trust and to show.
///
/// # Examples
///
/// A server inside the company, which knows its clients by their certificates:
///
/// ```no_run
/// use fascine_http::Tls;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::builder()
///     .without_bundled_roots()
///     .authorities_pem(std::fs::read("company-ca.pem")?)
///     .client_certificate_pem(std::fs::read("me.pem")?, std::fs::read("me.key")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is set up until it is built"]
pub struct TlsBuilder {
    bundled_roots: bool,
    platform_roots: bool,
    der: Vec<Vec<u8>>,
    pem: Vec<Vec<u8>>,
    /// A chain of certificates and its key, in PEM.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsBuilder {
    pub(crate) fn new() -> Self {
        Self {
            bundled_roots: true,
            platform_roots: false,
            der: Vec::new(),
            pem: Vec::new(),
            identity: None,
        }
    }

    /// Trusts one more authority, given in DER.
    pub fn authority_der(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.der.push(certificate.into());
        self
    }

    /// Trusts all authorities in a PEM file.
    pub fn authorities_pem(mut self, certificates: impl Into<Vec<u8>>) -> Self {
        self.pem.push(certificates.into());
        self
    }

    /// Does not trust the authorities that browsers trust.
    pub fn without_bundled_roots(mut self) -> Self {
        self.bundled_roots = false;
        self
    }

    /// Trusts the authorities that the operating system trusts, read once, when it is built.
    #[cfg(feature = "platform-roots")]
    pub fn with_platform_roots(mut self) -> Self {
        self.platform_roots = true;
        self
    }

    /// Shows this certificate to servers that ask for one: a PEM file with it and what leads to its authority, and one
    /// with its private key.
    pub fn client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.identity = Some((chain.into(), key.into()));
        self
    }

    /// Reads it all.
    ///
    /// # Errors
    ///
    /// [`TlsError`], which names what cannot be used, or says that nobody at all is trusted.
    pub fn build(self) -> Result<Tls, TlsError> {
        let roots = self.roots()?;
        // The provider by name: with two in one program, the process-wide default would be a panic.
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new("provider", error))?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some((chain, key)) => {
                let unusable = |error| TlsError::new("client certificate", error);
                let chain = certificates("client certificate", chain)?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| TlsError::new("client key", error))?;
                config.with_client_auth_cert(chain, key).map_err(unusable)?
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls::of_config(config))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if self.bundled_roots {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for pem in &self.pem {
            for certificate in certificates("authorities", pem)? {
                add(&mut roots, certificate)?;
            }
        }
        for der in &self.der {
            add(&mut roots, CertificateDer::from(der.as_slice()))?;
        }
        #[cfg(feature = "platform-roots")]
        if self.platform_roots {
            add_platform_roots(&mut roots)?;
        }
        if roots.is_empty() {
            return Err(TlsError::new("authorities", "nobody would be trusted"));
        }
        Ok(roots)
    }
}

impl fmt::Debug for TlsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsBuilder")
            .field("bundled_roots", &self.bundled_roots)
            .field("platform_roots", &self.platform_roots)
            .finish_non_exhaustive()
    }
}

fn add(roots: &mut RootCertStore, certificate: CertificateDer<'_>) -> Result<(), TlsError> {
    let added = roots.add(certificate.into_owned());
    added.map_err(|error| TlsError::new("authorities", error))
}

fn certificates(field: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsError::new(field, error))?;
    if found.is_empty() {
        return Err(TlsError::new(field, "there is no certificate in the PEM"));
    }
    Ok(found)
}

/// Systems hold some certificates that nobody can read; those are left out, unless there is nothing else.
#[cfg(feature = "platform-roots")]
fn add_platform_roots(roots: &mut RootCertStore) -> Result<(), TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    match found.errors.into_iter().next() {
        Some(error) if added == 0 => Err(TlsError::new("platform roots", error)),
        None if added == 0 => Err(TlsError::new("platform roots", "there are none")),
        _ => Ok(()),
    }
}
