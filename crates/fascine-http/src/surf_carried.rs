use http::{HeaderMap, HeaderName, Request};
use http_client::http_types;

use crate::{RetrySafe, Timeouts};

/// What a request of surf has no words for: it travels beside it, from a `SurfTransport` to a `SurfBackend`.
#[derive(Debug)]
pub(crate) struct Carried {
    timeouts: Option<Timeouts>,
    retry_safe: Option<RetrySafe>,
    /// The headers that hold keys, whatever their names are.
    sensitive: Vec<HeaderName>,
}

impl Carried {
    pub(crate) fn of(head: &http::request::Parts) -> Self {
        let sensitive = head
            .headers
            .iter()
            .filter(|(_, value)| value.is_sensitive());
        Self {
            timeouts: head.extensions.get().copied(),
            retry_safe: head.extensions.get().copied(),
            sensitive: sensitive.map(|(name, _)| name.clone()).collect(),
        }
    }

    pub(crate) fn put_into(self, request: &mut http_types::Request) {
        request.ext_mut().insert(self);
    }

    /// Gives a request back what it had.
    pub(crate) fn restore<T>(from: &http_types::Request, request: &mut Request<T>) {
        let Some(carried) = from.ext().get::<Self>() else {
            return;
        };
        if let Some(timeouts) = carried.timeouts {
            request.extensions_mut().insert(timeouts);
        }
        if let Some(retry_safe) = carried.retry_safe {
            request.extensions_mut().insert(retry_safe);
        }
        mark(request.headers_mut(), &carried.sensitive);
    }
}

fn mark(headers: &mut HeaderMap, sensitive: &[HeaderName]) {
    for (name, value) in headers.iter_mut() {
        if sensitive.contains(name) {
            value.set_sensitive(true);
        }
    }
}
