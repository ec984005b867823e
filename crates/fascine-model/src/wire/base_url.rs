use http::Uri;
use url::{Host, Url};

use crate::ProviderError;

/// A checked base URL.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl(Url);

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        let invalid = |reason| ProviderError::InvalidUrl {
            url: shown(text),
            reason,
        };
        let url = Url::parse(text).map_err(|_| invalid("it is not an absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("its scheme is not http or https"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("it has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it has a user name or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it has a query or a fragment"));
        }
        Ok(Self(url))
    }

    /// The address of `path` under it.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when nothing can be requested there.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, ProviderError> {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        self.uri(&url)
    }

    /// As [`join`](Self::join), of parts in which every character stands for itself, and a query.
    pub(crate) fn join_segments(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Uri, ProviderError> {
        let mut url = self.0.clone();
        // http and https have paths of segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url.query_pairs_mut().extend_pairs(query);
        self.uri(&url)
    }

    fn uri(&self, url: &Url) -> Result<Uri, ProviderError> {
        let invalid = |_| ProviderError::InvalidUrl {
            url: shown(self.0.as_str()),
            reason: "it cannot be requested",
        };
        url.as_str().parse().map_err(invalid)
    }

    /// Whether it says more than a host.
    pub(crate) fn has_path(&self) -> bool {
        self.0.path() != "/"
    }

    /// As [`join`](Self::join), under a version of the API, which the base URL may have at its end already.
    pub(crate) fn join_versioned(&self, version: &str, path: &str) -> Result<Uri, ProviderError> {
        let base = self.0.path().trim_end_matches('/');
        match base.rsplit('/').next() {
            Some(last) if last == version => self.join(path),
            _ => self.join(&format!("{version}/{path}")),
        }
    }

    /// Plain text is for this machine alone.
    pub(crate) fn check_secrecy(&self) -> Result<(), ProviderError> {
        let loopback = match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if self.0.scheme() == "https" || loopback {
            return Ok(());
        }
        let host = self.0.host_str().unwrap_or_default().to_owned();
        Err(ProviderError::PlainTextKey { host })
    }
}

/// Without what may be secret.
fn shown(text: &str) -> String {
    let text: String = text.chars().take(200).collect();
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://..{}", &text[..scheme], &text[at..])
        }
        (None, Some(at)) => format!("..{}", &text[at..]),
        _ => text,
    }
}
