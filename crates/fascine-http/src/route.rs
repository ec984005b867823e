use std::hash::{DefaultHasher, Hash, Hasher};

use crate::proxy::Proxy;
use crate::url::Origin;

/// Where a request goes and by what way: what connections are kept and reused by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) origin: Origin,
    pub(crate) proxy: Option<Proxy>,
    /// Of the others: each request looks for its route, and puts it back.
    hash: u64,
}

impl Route {
    pub(crate) fn new(origin: Origin, proxy: Option<Proxy>) -> Self {
        let mut hasher = DefaultHasher::new();
        (&origin, &proxy).hash(&mut hasher);
        let hash = hasher.finish();
        Self {
            origin,
            proxy,
            hash,
        }
    }

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

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
