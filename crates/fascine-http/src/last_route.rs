use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::TransportError;
use crate::route::Route;

/// The route of the last request, which is nearly always that of the next one.
#[derive(Default)]
pub(crate) struct LastRoute {
    known: Mutex<Option<Known>>,
}

struct Known {
    scheme: Scheme,
    authority: Authority,
    route: Arc<Route>,
}

impl LastRoute {
    /// The route to `url`, which `find` finds if it is not the last one.
    pub(crate) fn of(
        &self,
        url: &Uri,
        find: impl FnOnce() -> Result<Route, TransportError>,
    ) -> Result<Arc<Route>, TransportError> {
        let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
            return find().map(Arc::new);
        };
        if let Some(known) = &*self.lock()
            && known.scheme == *scheme
            && known.authority == *authority
        {
            return Ok(Arc::clone(&known.route));
        }
        let route = Arc::new(find()?);
        let known = Known {
            scheme: scheme.clone(),
            authority: authority.clone(),
            route: Arc::clone(&route),
        };
        let before = self.lock().replace(known);
        drop(before);
        Ok(route)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets it: the clone may be given other proxies.
impl Clone for LastRoute {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Origin;

    fn found(last: &LastRoute, url: &str) -> (Arc<Route>, bool) {
        let (url, mut searched): (Uri, bool) = (url.parse().unwrap(), false);
        let route = last.of(&url, || {
            searched = true;
            Ok(Route::new(Origin::of(&url)?, None))
        });
        (route.unwrap(), searched)
    }

    #[test]
    fn another_path_of_the_same_origin_is_no_other_route() {
        let last = LastRoute::default();
        let (first, searched) = found(&last, "http://a.example/x");
        assert!(searched);
        let (second, searched) = found(&last, "http://A.example/y?z");
        assert!(!searched && Arc::ptr_eq(&first, &second));
        for url in [
            "https://a.example/x",
            "http://a.example:81/x",
            "http://b.example/x",
        ] {
            let (other, searched) = found(&last, url);
            assert!(searched && other != first, "{url}");
        }
        assert!(found(&last, "http://a.example/x").1, "it knows one");
    }

    #[test]
    fn what_leads_nowhere_is_not_remembered() {
        let last = LastRoute::default();
        let url: Uri = "http://user@a.example/".parse().unwrap();
        for _ in 0..2 {
            let route = last.of(&url, || Ok(Route::new(Origin::of(&url)?, None)));
            assert!(matches!(route, Err(TransportError::InvalidUrl { .. })));
        }
    }
}
