use http::Uri;
use url::{Host, Url};

use crate::ProviderError;

/// A checked base URL, and the address under it.
#[derive(Clone, Debug)]
pub(super) struct BaseUrl {
    url: Url,
    chat_completions: Uri,
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, ProviderError> {
        let invalid = |reason| ProviderError::InvalidUrl {
            url: shown(text),
            reason,
        };
        let mut url = Url::parse(text).map_err(|_| invalid("it is not an absolute URL"))?;
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
        let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let chat_completions = url
            .as_str()
            .parse()
            .map_err(|_| invalid("it cannot be requested"))?;
        Ok(Self {
            url,
            chat_completions,
        })
    }

    pub(super) fn chat_completions(&self) -> Uri {
        self.chat_completions.clone()
    }

    /// Plain text is for this machine alone.
    pub(super) fn check_secrecy(&self) -> Result<(), ProviderError> {
        let loopback = match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if self.url.scheme() == "https" || loopback {
            return Ok(());
        }
        let host = self.url.host_str().unwrap_or_default().to_owned();
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
