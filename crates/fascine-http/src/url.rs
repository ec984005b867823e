use std::net::IpAddr;

use http::Uri;

use crate::TransportError;

/// Where a request goes: what connections are kept and reused by.
///
/// By name, never by address: two names on one address are two servers, with two certificates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) secure: bool,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    pub(crate) fn of(url: &Uri) -> Result<Self, TransportError> {
        let invalid = |reason: &str| TransportError::InvalidUrl {
            reason: reason.to_owned(),
        };
        let secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => {
                return Err(invalid(&format!(
                    "the scheme is `{other}`, not http or https"
                )));
            }
            None => return Err(invalid("it has no scheme")),
        };
        let authority = url.authority().ok_or_else(|| invalid("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("it has a user name or a password in it"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(invalid("it has no host"));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().ends_with(':') => return Err(invalid("its port is empty")),
            None if secure => 443,
            None => 80,
        };
        Ok(Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// The host and the port as they stand in a URL.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }

    /// Whether it is this very machine, so that nobody else sees what is sent.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<(bool, String, u16), String> {
        let url: Uri = url.parse().map_err(|_| "not a URL".to_owned())?;
        let Origin { secure, host, port } = Origin::of(&url).map_err(|error| error.to_string())?;
        Ok((secure, host, port))
    }

    #[test]
    fn scheme_host_and_port_are_found() {
        assert_eq!(
            origin("http://Example.com/x"),
            Ok((false, "example.com".into(), 80))
        );
        assert_eq!(
            origin("https://example.com"),
            Ok((true, "example.com".into(), 443))
        );
        assert_eq!(
            origin("http://[::1]:8080/"),
            Ok((false, "::1".into(), 8080))
        );
    }

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        for (url, expected) in [
            ("http://localhost/", true),
            ("http://api.localhost/", true),
            ("http://127.8.9.1:80/", true),
            ("http://[::1]/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            let origin = Origin::of(&url.parse().unwrap()).unwrap();
            assert_eq!(origin.is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn urls_that_cannot_be_used_say_why() {
        for (url, reason) in [
            ("ftp://example.com/", "scheme"),
            ("/relative", "scheme"),
            ("http://user:secret@example.com/", "user name"),
            ("http://:80/", ""),
        ] {
            let error = origin(url).unwrap_err();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
