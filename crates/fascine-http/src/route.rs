use crate::proxy::Proxy;
use crate::url::Origin;

/// Where a request goes and by what way: what connections are kept and reused by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route {
    pub(crate) origin: Origin,
    pub(crate) proxy: Option<Proxy>,
}

impl Route {
    /// Whether the requests themselves go to a proxy, which reads from them where they are to go.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.proxy.is_some() && !self.origin.secure
    }

    /// The host and the port to connect to.
    pub(crate) fn endpoint(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) => (&proxy.host, proxy.port),
            None => (&self.origin.host, self.origin.port),
        }
    }
}
