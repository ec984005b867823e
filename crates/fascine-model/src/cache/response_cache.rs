use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_message::Usage;

use crate::{CacheError, CacheStats, CacheStore, FinishReason, RequestKey, Response};

/// Answers that are kept for a while, in a [`CacheStore`]: what a [`CachedModel`](crate::CachedModel) looks into.
///
/// Clones are the same cache. Several models may share one.
///
/// # Defaults
///
/// - an answer is kept for 3600 s
/// - only complete answers are: those that ended by themselves or ask for tools, and have something in them; not those
///   that reached their allowed length, were cut by a filter or refused. The temperature does not matter: whoever wants
///   another answer to the same request says so, by [`CacheUse`](crate::CacheUse)
///
/// # Examples
///
/// ```
/// use fascine_model::ResponseCache;
/// use std::time::Duration;
/// # #[cfg(feature = "moka")]
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// use fascine_model::MokaStore;
///
/// let cache = ResponseCache::new(MokaStore::new(&rt, 64 * 1024 * 1024))
///     .with_ttl(Duration::from_secs(600))
///     .keep_if(|response| !response.text().is_empty());
/// assert_eq!(cache.stats().hits, 0);
/// # });
/// ```
#[derive(Clone)]
pub struct ResponseCache {
    store: Arc<dyn CacheStore>,
    ttl: Duration,
    is_kept: Arc<IsKept>,
    observer: Option<Arc<Observer>>,
    stats: Arc<Mutex<CacheStats>>,
}

type IsKept = dyn Fn(&Response) -> bool + Send + Sync;
type Observer = dyn Fn(&CacheError) + Send + Sync;

impl ResponseCache {
    /// Keeps answers in `store`.
    pub fn new(store: impl CacheStore) -> Self {
        Self {
            store: Arc::new(store),
            ttl: Duration::from_secs(3600),
            is_kept: Arc::new(is_complete),
            observer: None,
            stats: Arc::default(),
        }
    }

    /// Sets how long an answer is kept; with zero none is.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets which answers are kept.
    #[must_use]
    pub fn keep_if(mut self, is_kept: impl Fn(&Response) -> bool + Send + Sync + 'static) -> Self {
        self.is_kept = Arc::new(is_kept);
        self
    }

    /// Sets what is told when the store fails.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&CacheError) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Whether any answer is kept for any time.
    pub(crate) fn keeps(&self) -> bool {
        !self.ttl.is_zero()
    }

    /// What the cache has done so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        *self.lock()
    }

    /// Forgets the answer to a request.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when the store cannot.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether the answer is forgotten.
    pub async fn remove(&self, key: RequestKey) -> Result<(), CacheError> {
        self.store.remove(key).await
    }

    /// Forgets all answers.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when the store cannot.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether they are forgotten.
    pub async fn clear(&self) -> Result<(), CacheError> {
        self.store.clear().await
    }

    /// Looks an answer up, marked as one that cost nothing.
    pub(crate) async fn get(&self, key: RequestKey) -> Option<Response> {
        let found = match self.store.get(key).await {
            Ok(found) => found,
            Err(error) => {
                self.failed(&error);
                None
            }
        };
        let Some(mut response) = found else {
            self.lock().misses += 1;
            return None;
        };
        {
            let mut stats = self.lock();
            stats.hits += 1;
            stats.saved += response.usage;
        }
        response.attempts = 0;
        response.usage = Usage::default();
        Some(response)
    }

    /// Keeps an answer, if it is one to be kept.
    pub(crate) async fn put(&self, key: RequestKey, response: Response) {
        if self.ttl.is_zero() || response.is_reused() || !(self.is_kept)(&response) {
            return;
        }
        match self.store.put(key, response, self.ttl).await {
            Ok(()) => self.lock().stored += 1,
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &CacheError) {
        self.lock().errors += 1;
        if let Some(observer) = &self.observer {
            observer(error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, CacheStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_complete(response: &Response) -> bool {
    let ended = matches!(
        response.finish_reason,
        FinishReason::Stop | FinishReason::ToolCalls
    );
    ended && !response.message.content().is_empty()
}

impl fmt::Debug for ResponseCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache")
            .field("store", &self.store)
            .field("ttl", &self.ttl)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
