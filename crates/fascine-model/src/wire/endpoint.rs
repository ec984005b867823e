use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::base_url::BaseUrl;
use crate::{ApiKey, Delivery, ProviderError};

/// Where a provider is, and what goes with every request to it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    base: BaseUrl,
    headers: HeaderMap,
    /// Whether a key may travel in plain text.
    allows_plaintext: bool,
}

impl Endpoint {
    /// A provider at `base_url`.
    pub(crate) fn parse(base_url: &str) -> Result<Self, ProviderError> {
        let json = HeaderValue::from_static("application/json");
        Ok(Self {
            base: BaseUrl::parse(base_url)?,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            allows_plaintext: false,
        })
    }

    pub(crate) fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Lets secrets travel in plain text to other machines.
    pub(crate) fn allow_plaintext(&mut self) {
        self.allows_plaintext = true;
    }

    /// Sends `key` along as a bearer token.
    pub(crate) fn set_bearer(&mut self, key: &ApiKey) -> Result<(), ProviderError> {
        let value = zeroize::Zeroizing::new(format!("Bearer {}", key.reveal()));
        self.set_secret(header::AUTHORIZATION, &value)
    }

    /// Sends a secret along in the header `name`, unless it would travel in plain text to another machine.
    pub(crate) fn set_secret(
        &mut self,
        name: HeaderName,
        value: &str,
    ) -> Result<(), ProviderError> {
        if !self.allows_plaintext {
            self.base.check_secrecy()?;
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| ProviderError::InvalidKey)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Sends a header along.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) -> Result<(), ProviderError> {
        let invalid = || ProviderError::InvalidHeader {
            name: name.chars().take(100).collect(),
        };
        let parsed: HeaderName = name.parse().map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        self.headers.insert(parsed, value);
        Ok(())
    }

    /// The request that sends `body` to `uri`.
    pub(crate) fn post(&self, uri: Uri, body: Vec<u8>, delivery: Delivery) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        let accept = match delivery {
            Delivery::Stream => "text/event-stream",
            Delivery::Whole => "application/json",
        };
        let accept = HeaderValue::from_static(accept);
        request.headers_mut().insert(header::ACCEPT, accept);
        request
    }
}
