use std::env;
use std::sync::Arc;

use crate::ProxyError;
use crate::no_proxy::NoProxy;
use crate::proxy::Proxy;
use crate::url::Origin;

/// Which requests go through a proxy.
///
/// A proxy gets requests for http as they are, with their whole URL, and opens a tunnel for https, in which it sees
/// nothing. It is spoken to over plain HTTP/1.1, with the user name and password of its URL as basic authentication.
///
/// # Examples
///
/// ```
/// use fascine_http::Proxies;
///
/// let proxies = Proxies::all("http://user:secret@proxy.internal:3128").unwrap();
/// let proxies = proxies.with_exceptions("localhost, .internal, 10.0.0.0/8");
/// assert!(!format!("{proxies:?}").contains("secret"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Arc<NoProxy>,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` from the environment, once.
    ///
    /// The name in lower case goes before the one in upper case, the one for the scheme before `ALL_PROXY`; an empty
    /// value is none. Where a CGI server has set `REQUEST_METHOD`, `HTTP_PROXY` in upper case is not read: there it
    /// is a header of whoever sent the request.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] when one of them is not the URL of a proxy over http.
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::from_vars(|name| Some(env::var_os(name)?.to_string_lossy().into_owned()))
    }

    /// Reads the variables that [`from_env`](Self::from_env) reads, from wherever they are.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let given = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let in_cgi = lookup("REQUEST_METHOD").is_some();
        let proxy = |names: [&str; 4]| {
            let mut names = names.into_iter();
            let name =
                names.find(|name| !(in_cgi && *name == "HTTP_PROXY") && given(name).is_some());
            let Some((name, value)) = name.and_then(|name| Some((name, given(name)?))) else {
                return Ok(None);
            };
            Proxy::parse(name, value.trim()).map(Some)
        };
        let exceptions = given("no_proxy").or_else(|| given("NO_PROXY"));
        Ok(Self {
            http: proxy(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
            https: proxy(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            exceptions: Arc::new(NoProxy::parse(&exceptions.unwrap_or_default())),
        })
    }

    /// Sends everything through the proxy at `url`.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] when it is not the URL of a proxy over http.
    pub fn all(url: &str) -> Result<Self, ProxyError> {
        let proxy = Some(Proxy::parse("url", url)?);
        Ok(Self {
            http: proxy.clone(),
            https: proxy,
            exceptions: Arc::default(),
        })
    }

    /// Sets what goes without a proxy, in the form of `NO_PROXY`: hosts with all their subdomains, addresses,
    /// networks like `10.0.0.0/8`, each perhaps with a port, or `*`, with commas between them.
    #[must_use]
    pub fn with_exceptions(mut self, list: &str) -> Self {
        self.exceptions = Arc::new(NoProxy::parse(list));
        self
    }

    /// The proxy for an origin, if there is one.
    pub(crate) fn of(&self, origin: &Origin) -> Option<Proxy> {
        let proxy = if origin.secure {
            &self.https
        } else {
            &self.http
        };
        let proxy = proxy.as_ref()?;
        (!self.exceptions.contains(&origin.host, origin.port)).then(|| proxy.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(vars: &[(&str, &str)], url: &str) -> Result<String, ProxyError> {
        let lookup = |name: &str| {
            let found = vars.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        let origin = Origin::of(&url.parse().unwrap()).unwrap();
        let proxy = Proxies::from_vars(lookup)?.of(&origin);
        Ok(proxy.map_or("none".to_owned(), |proxy| format!("{proxy:?}")))
    }

    #[test]
    fn the_scheme_goes_before_all_and_lower_case_before_upper() {
        let vars = [
            ("HTTPS_PROXY", "http://upper:1"),
            ("https_proxy", "lower:2"),
            ("ALL_PROXY", "http://all"),
            ("http_proxy", ""),
        ];
        assert_eq!(proxy(&vars, "https://a.example/"), Ok("lower:2".to_owned()));
        assert_eq!(proxy(&vars, "http://a.example/"), Ok("all:80".to_owned()));
        assert_eq!(proxy(&[], "http://a.example/"), Ok("none".to_owned()));
    }

    #[test]
    fn in_cgi_the_upper_case_name_is_a_strangers_header() {
        let vars = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy(&vars, "http://a.example/"), Ok("none".to_owned()));
        assert_eq!(
            proxy(&vars[..1], "http://a.example/"),
            Ok("evil:1".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_password() {
        for value in [
            "socks5://u:secret@h:1",
            "https://u:secret@h",
            "http://u:secret@",
            "http://u:secret@h:",
        ] {
            let error = proxy(&[("ALL_PROXY", value)], "http://a.example/").unwrap_err();
            assert_eq!(error.variable, "ALL_PROXY", "{value}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
