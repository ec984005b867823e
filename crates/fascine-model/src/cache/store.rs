use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_rt::BoxFuture;

use crate::{CacheError, RequestKey, Response};

/// Where answers are kept.
///
/// A store knows the time, and gives no answer whose time is over; it knows its bound, and forgets what does not fit. It
/// may forget anything at any time. Its futures are polled by callers: blocking work goes through
/// [`Rt::unblock`](fascine_rt::Rt::unblock).
///
/// # Cancel safety
///
/// Any of the futures may be dropped. What it was to do is then done or not, but not by half.
///
/// # Examples
///
/// A map without a bound, that forgets nothing:
///
/// ```
/// use fascine_model::{CacheError, CacheStore, RequestKey, Response};
/// use fascine_rt::BoxFuture;
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// #[derive(Debug, Default)]
/// struct Forever(Mutex<HashMap<RequestKey, Response>>);
///
/// impl CacheStore for Forever {
///     fn get(&self, key: RequestKey) -> BoxFuture<Result<Option<Response>, CacheError>> {
///         let found = self.0.lock().unwrap().get(&key).cloned();
///         Box::pin(async { Ok(found) })
///     }
///
///     fn put(
///         &self,
///         key: RequestKey,
///         response: Response,
///         _: Duration,
///     ) -> BoxFuture<Result<(), CacheError>> {
///         self.0.lock().unwrap().insert(key, response);
///         Box::pin(async { Ok(()) })
///     }
///
///     fn remove(&self, key: RequestKey) -> BoxFuture<Result<(), CacheError>> {
///         self.0.lock().unwrap().remove(&key);
///         Box::pin(async { Ok(()) })
///     }
///
///     fn clear(&self) -> BoxFuture<Result<(), CacheError>> {
///         self.0.lock().unwrap().clear();
///         Box::pin(async { Ok(()) })
///     }
/// }
/// ```
pub trait CacheStore: fmt::Debug + Send + Sync + 'static {
    /// Looks an answer up.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when it cannot.
    fn get(&self, key: RequestKey) -> BoxFuture<Result<Option<Response>, CacheError>>;

    /// Keeps an answer, in the place of the one that is there. It is over once it is as old as `ttl`.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when it cannot. That there is no room for it is none.
    fn put(
        &self,
        key: RequestKey,
        response: Response,
        ttl: Duration,
    ) -> BoxFuture<Result<(), CacheError>>;

    /// Forgets an answer.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when it cannot.
    fn remove(&self, key: RequestKey) -> BoxFuture<Result<(), CacheError>>;

    /// Forgets all of them.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when it cannot.
    fn clear(&self) -> BoxFuture<Result<(), CacheError>>;
}

impl<S: CacheStore + ?Sized> CacheStore for Arc<S> {
    fn get(&self, key: RequestKey) -> BoxFuture<Result<Option<Response>, CacheError>> {
        (**self).get(key)
    }

    fn put(
        &self,
        key: RequestKey,
        response: Response,
        ttl: Duration,
    ) -> BoxFuture<Result<(), CacheError>> {
        (**self).put(key, response, ttl)
    }

    fn remove(&self, key: RequestKey) -> BoxFuture<Result<(), CacheError>> {
        (**self).remove(key)
    }

    fn clear(&self) -> BoxFuture<Result<(), CacheError>> {
        (**self).clear()
    }
}
