use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::FallbackError;

/// What to do instead when a call fails: a chain of alternatives, tried in turn, that keeps every error.
///
/// Each alternative gets the errors so far, the call's own first. The first that succeeds gives the value; what failed
/// before it is in [`Served::errors`]. A call that succeeds allocates nothing.
///
/// A fallback hides that something is wrong: look at [`Served::errors`], or count what [`with_observer`] tells. Do not
/// use it to send the same work to the same service again: that is [`Retry`](crate::Retry).
///
/// [`with_observer`]: Self::with_observer
///
/// # Defaults
///
/// - every error makes the next alternative be tried
///
/// # Examples
///
/// ```
/// # use fascine_resilience::Fallback;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let fallback = Fallback::new()
///     .or(|_errors| async { Err("the replica is down too") })
///     .or_value(41);
///
/// let served = fallback.run(|| async { Err("down") }).await.unwrap();
/// assert_eq!((served.value, served.errors.len()), (41, 2));
/// # });
/// ```
pub struct Fallback<T, E> {
    alternatives: Vec<Alternative<T, E>>,
    when: Option<Arc<IsPassedOver<E>>>,
    observer: Option<Arc<Observer<E>>>,
}

type IsPassedOver<E> = dyn Fn(&E) -> bool + Send + Sync;
type Observer<E> = dyn Fn(&[E]) + Send + Sync;
type Alternative<T, E> = Arc<dyn Fn(&[E]) -> BoxFuture<Result<T, E>> + Send + Sync>;

/// A value, and the failures on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served<T, E> {
    /// What the call, or the first alternative that succeeded, returned.
    pub value: T,
    /// What failed before it, the call first: as many as there were alternatives tried. Empty if the call succeeded.
    pub errors: Vec<E>,
}

impl<T, E> Fallback<T, E> {
    /// Makes a chain without alternatives.
    #[must_use]
    pub fn new() -> Self {
        Self {
            alternatives: Vec::new(),
            when: None,
            observer: None,
        }
    }

    /// Adds an alternative, which gets the errors so far.
    #[must_use]
    pub fn or<F>(mut self, alternative: impl Fn(&[E]) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let boxed =
            move |errors: &[E]| -> BoxFuture<Result<T, E>> { Box::pin(alternative(errors)) };
        self.alternatives.push(Arc::new(boxed));
        self
    }

    /// Adds a value as the last resort.
    #[must_use]
    pub fn or_value(self, value: T) -> Self
    where
        T: Clone + Send + Sync + 'static,
        E: Send + 'static,
    {
        self.or(move |_| ready(Ok(value.clone())))
    }

    /// Sets which errors make the next alternative be tried; another one ends the chain.
    #[must_use]
    pub fn when(mut self, is_passed_over: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(is_passed_over));
        self
    }

    /// Sets what is told the errors whenever an alternative serves, before its value is returned.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&[E]) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes a call, and tries the alternatives in turn if it fails.
    ///
    /// # Errors
    ///
    /// [`FallbackError`] with every error, if all failed, or one did that is not to be passed over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call or the alternative in progress; no further one is tried, and the errors so
    /// far are lost.
    pub async fn run<F>(&self, call: impl FnOnce() -> F) -> Result<Served<T, E>, FallbackError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let error = match call().await {
            Ok(value) => {
                return Ok(Served {
                    value,
                    errors: Vec::new(),
                });
            }
            Err(error) => error,
        };
        let mut errors = vec![error];
        for alternative in &self.alternatives {
            if !self.passes_over(errors.last()) {
                break;
            }
            match alternative(&errors).await {
                Ok(value) => {
                    if let Some(observer) = &self.observer {
                        observer(&errors);
                    }
                    return Ok(Served { value, errors });
                }
                Err(error) => errors.push(error),
            }
        }
        Err(FallbackError::new(errors))
    }

    fn passes_over(&self, error: Option<&E>) -> bool {
        match (&self.when, error) {
            (Some(when), Some(error)) => when(error),
            _ => true,
        }
    }
}

impl<T, E> Default for Fallback<T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Clone for Fallback<T, E> {
    fn clone(&self) -> Self {
        Self {
            alternatives: self.alternatives.clone(),
            when: self.when.clone(),
            observer: self.observer.clone(),
        }
    }
}

impl<T, E> fmt::Debug for Fallback<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("alternatives", &self.alternatives.len())
            .finish_non_exhaustive()
    }
}
