use std::error::Error;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_concurrency::OnceCell;
use fascine_rt::{BoxFuture, Rt};

mod balanced;
mod error;
mod holding;
mod members;
mod pooled;

pub use balanced::{Balance, BalancedModel};
pub use error::PoolError;
use members::Members;
pub use pooled::PooledModel;

/// Services, each made when it is first needed: by provider, model, key, or whatever tells yours apart.
///
/// Who asks for one while it is being made waits for it; a failure is not kept, the next one tries again. One that
/// nobody holds is forgotten when it has not been asked for for a while, or when there is no room for another: the one
/// that was asked for longest ago first. One that somebody holds is never forgotten, so there are never two for a key,
/// and never two times its limits. Whoever looks for a service looks for those to be forgotten too; there is no task.
///
/// Limits that are to outlive a service, or that several services share, belong to whoever makes the services: see the
/// second example, with a [`SharedLimiter`](crate::SharedLimiter) for each account.
///
/// Clones are the same pool.
///
/// # Defaults
///
/// - 64 services
/// - forgotten after 300 s
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Model, ModelPool, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let pool = ModelPool::new(&rt, {
///     let rt = rt.clone();
///     move |model: &&str| {
///         let made = ScriptedModel::new(&rt).with_name(*model).with_rule("", *model);
///         async { Ok::<_, std::io::Error>(made) }
///     }
/// });
/// let model = pool.model("gpt-4o"); // Nothing is made yet.
/// let response = model.invoke(Request::new([Message::user("Who are you?")])).await.unwrap();
/// assert_eq!((response.text().as_str(), pool.len()), ("gpt-4o", 1));
/// # });
/// ```
///
/// Services that share the limits of their account:
///
/// ```
/// use fascine_http::{H1Transport, MemoryNet};
/// use fascine_model::{ModelPool, ModelService, OpenAi, SharedLimiter};
/// use fascine_resilience::{Quota, RateLimiter};
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let transport = H1Transport::new(&rt, MemoryNet::new());
/// let limiters: Mutex<HashMap<String, SharedLimiter>> = Mutex::default();
/// let limiter_of = {
///     let rt = rt.clone();
///     move |account: &str| {
///         let mut limiters = limiters.lock().unwrap();
///         let limiter = limiters.entry(account.to_owned()).or_insert_with(|| {
///             let quota = Quota::new("requests", 500, Duration::from_secs(60)).unwrap();
///             SharedLimiter::new(account, RateLimiter::new(&rt, [quota]).unwrap())
///         });
///         limiter.clone()
///     }
/// };
/// let pool = ModelPool::new(&rt, {
///     let rt = rt.clone();
///     move |(account, model): &(&'static str, &'static str)| {
///         let provider = OpenAi::new("http://127.0.0.1:8080/v1", *model).unwrap();
///         let service = ModelService::builder(&rt, provider, transport.clone())
///             .limiter(&limiter_of(account))
///             .build();
///         async { service }
///     }
/// });
/// let large = pool.get(&("team", "large")).await.unwrap();
/// let small = pool.get(&("team", "small")).await.unwrap();
/// assert_eq!(large.limiter().name(), small.limiter().name());
/// # });
/// ```
pub struct ModelPool<K, M> {
    inner: Arc<Inner<K, M>>,
    capacity: NonZeroUsize,
    idle: Duration,
}

struct Inner<K, M> {
    rt: Rt,
    make: Box<Make<K, M>>,
    members: Mutex<Members<K, M>>,
}

type Make<K, M> = dyn Fn(&K) -> BoxFuture<Result<M, Box<dyn Error + Send + Sync>>> + Send + Sync;

impl<K, M> ModelPool<K, M>
where
    K: Clone + Eq + Hash,
    M: Send + Sync + 'static,
{
    /// Makes an empty pool; `make` makes the service of a key.
    pub fn new<E, F>(rt: &Rt, make: impl Fn(&K) -> F + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Future<Output = Result<M, E>> + Send + 'static,
    {
        let make: Box<Make<K, M>> = Box::new(move |key| {
            let made = make(key);
            Box::pin(async { made.await.map_err(Into::into) })
        });
        Self {
            inner: Arc::new(Inner {
                rt: rt.clone(),
                make,
                members: Mutex::new(Members::new()),
            }),
            capacity: NonZeroUsize::MIN.saturating_add(63),
            idle: Duration::from_secs(300),
        }
    }

    /// Sets how many services there may be.
    #[must_use]
    pub fn with_capacity(mut self, capacity: NonZeroUsize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets how long a service that nobody holds and nobody asks for is kept.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Gets the service of a key, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`PoolError`] when making it failed, or when all services are held and there is no room for another.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while it makes the service leaves that to the next who waits for it.
    pub async fn get(&self, key: &K) -> Result<Arc<M>, PoolError> {
        let now = self.inner.rt.now();
        let entered = self.lock().enter(key, now, self.capacity);
        let (cell, forgotten) = entered?;
        drop(forgotten);
        // What was asked for just now is not idle.
        self.remove_idle();
        let make = || async {
            let made = (self.inner.make)(key).await;
            made.map(Arc::new)
        };
        let made = cell.get_or_try_init(make).await.map(Arc::clone);
        made.map_err(|source| {
            drop(cell);
            self.remove_idle();
            PoolError::Make(source)
        })
    }

    /// How many services there are, those that are being made among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the services that nobody holds and that have not been asked for for a while.
    pub fn remove_idle(&self) {
        let now = self.inner.rt.now();
        let forgotten = self.lock().forget_idle(now, self.idle);
        drop(forgotten);
    }

    fn lock(&self) -> MutexGuard<'_, Members<K, M>> {
        self.inner
            .members
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the service of a key is, or will be.
type Cell<M> = Arc<OnceCell<Arc<M>>>;

impl<K, M> Clone for ModelPool<K, M> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            capacity: self.capacity,
            idle: self.idle,
        }
    }
}

impl<K, M> fmt::Debug for ModelPool<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelPool")
            .field("capacity", &self.capacity)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
