use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::single_flight::Sharing;
use crate::{CacheUse, ChunkStream, Model, ModelError, Request, Response};

mod error;
mod response_cache;
mod stats;
mod store;
mod storing;

#[cfg(feature = "moka")]
mod moka_store;
#[cfg(feature = "redb")]
mod redb_store;

pub use error::CacheError;
#[cfg(feature = "moka")]
pub use moka_store::MokaStore;
#[cfg(feature = "redb")]
pub use redb_store::RedbStore;
pub use response_cache::ResponseCache;
pub use stats::CacheStats;
pub use store::CacheStore;
use storing::Storing;

/// A model whose answers are kept, and given again to who asks the same.
///
/// Requests are the same if their [`CanonicalRequest`](crate::CanonicalRequest) is, which holds everything that the
/// provider is told. Those that come while the first is being answered share its call, as in a [`SingleFlightModel`](crate::SingleFlightModel):
/// a hundred at the same time are one call, and its failure is not kept. Whole answers and streams find each other's
/// answers; a stream is kept when it has been read to its end.
///
/// A kept answer says so ([`Response::is_reused`]): it took no attempts and cost no tokens. The request decides for each
/// call what the cache is to do, by [`Request::cache`].
///
/// Above a `CachedModel` put only what belongs to the caller; below it, whatever makes an answer: limits, retries,
/// fallbacks. A cache that fails is passed over: see [`CacheStats::errors`].
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{CacheUse, CachedModel, Model, Request, ResponseCache, ScriptedModel};
/// # #[cfg(feature = "moka")]
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// use fascine_model::MokaStore;
///
/// let script = ScriptedModel::new(&rt).with_answer("Eight.").with_answer("8.");
/// let cache = ResponseCache::new(MokaStore::new(&rt, 64 * 1024 * 1024));
/// let model = CachedModel::new(script, cache);
///
/// let request = Request::new([Message::user("Legs?")]);
/// assert!(!model.invoke(request.clone()).await.unwrap().is_reused());
/// assert!(model.invoke(request.clone()).await.unwrap().is_reused());
///
/// let refreshed = model.invoke(request.with_cache(CacheUse::Refresh)).await.unwrap();
/// assert_eq!(refreshed.text(), "8.");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct CachedModel {
    storing: Storing,
    sharing: Sharing,
}

impl CachedModel {
    /// Keeps the answers of `model` in `cache`, which other models may share: each has its own
    /// [`identity`](Model::identity).
    pub fn new(model: impl Model, cache: ResponseCache) -> Self {
        let sharing = Sharing::new(model.identity());
        let model = Arc::new(model);
        Self {
            storing: Storing { model, cache },
            sharing,
        }
    }

    /// Keeps the answers of `model`, whose calls others share who have this `sharing`.
    pub(crate) fn sharing(model: Arc<dyn Model>, cache: ResponseCache, sharing: Sharing) -> Self {
        Self {
            storing: Storing { model, cache },
            sharing,
        }
    }

    /// Sets how much is kept of a stream while it is read, in bytes: see
    /// [`SingleFlightModel::with_max_bytes`](crate::SingleFlightModel::with_max_bytes).
    #[must_use]
    pub fn with_max_stream_bytes(mut self, bytes: usize) -> Self {
        self.sharing.max_bytes = bytes;
        self
    }
}

impl Model for CachedModel {
    fn name(&self) -> &str {
        self.storing.model.name()
    }

    fn identity(&self) -> String {
        self.storing.model.identity()
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        if request.cache == CacheUse::Bypass {
            return self.storing.model.invoke(request);
        }
        let storing = self.storing.clone();
        self.sharing.invoke(request, |key, request| {
            Box::pin(storing.invoke(key, request))
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        if request.cache == CacheUse::Bypass {
            return self.storing.model.stream(request);
        }
        let storing = self.storing.clone();
        self.sharing.stream(request, |key, request| {
            Box::pin(storing.stream(key, request))
        })
    }
}
