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
