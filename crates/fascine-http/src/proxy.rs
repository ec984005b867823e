use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Uri};

use crate::ProxyError;
use crate::percent::decoded;

/// Where a proxy is, and what it wants to know.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    /// The value of `proxy-authorization`.
    pub(crate) credentials: Option<HeaderValue>,
}

impl Proxy {
    pub(crate) fn parse(variable: &str, url: &str) -> Result<Self, ProxyError> {
        let unusable = |reason: &str| ProxyError {
            variable: variable.to_owned(),
            reason: reason.to_owned(),
        };
        let url = match url.split_once("://") {
            Some(("http", _)) => url.to_owned(),
            Some(_) => return Err(unusable("only proxies over http:// are supported")),
            None => format!("http://{url}"),
        };
        let url: Uri = url.parse().map_err(|_| unusable("it is not a URL"))?;
        let authority = url.authority().ok_or_else(|| unusable("it has no host"))?;
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(unusable("it has no host"));
        }
        if authority.as_str().ends_with(':') {
            return Err(unusable("its port is empty"));
        }
        let credentials = match authority.as_str().rsplit_once('@') {
            Some((user, _)) => {
                let encoded = BASE64_STANDARD.encode(decoded(user));
                let mut value = HeaderValue::from_str(&format!("Basic {encoded}"))
                    .map_err(|_| unusable("its user name cannot be sent"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self {
            host: host.to_ascii_lowercase().into(),
            port: authority.port_u16().unwrap_or(80),
            credentials,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_become_basic_authentication() {
        let proxy = Proxy::parse("url", "http://user:p%40ss@[::1]:3128/").unwrap();
        assert_eq!((&*proxy.host, proxy.port), ("::1", 3128));
        assert_eq!(proxy.credentials.unwrap(), "Basic dXNlcjpwQHNz");
    }
}
