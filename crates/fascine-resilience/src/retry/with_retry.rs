use std::fmt;
use std::future::Future;

use crate::retry::retried::{classify_all, silent};
use crate::{Retried, Retry, RetryError, Verdict};

/// Turns an async function into one that is retried.
///
/// The argument is cloned for each call; several are a tuple, none is `()`.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Retry, with_retry};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// async fn fetch(url: String) -> Result<usize, String> {
///     Ok(url.len())
/// }
///
/// let fetch = with_retry(Retry::new(&rt), fetch).when(|error| error.contains("busy"));
/// assert_eq!(fetch.call("http://a.example".to_owned()).await.unwrap(), 16);
/// # });
/// ```
pub fn with_retry<A, T, E, F>(
    policy: Retry,
    function: impl Fn(A) -> F,
) -> WithRetry<impl Fn(A) -> F, fn(&E) -> Verdict>
where
    F: Future<Output = Result<T, E>>,
{
    WithRetry {
        policy,
        function,
        classify: classify_all,
    }
}

/// A function that is retried, made by [`with_retry`].
#[derive(Clone)]
#[must_use = "nothing is called before `call`"]
pub struct WithRetry<C, K> {
    policy: Retry,
    function: C,
    classify: K,
}

impl<C, E> WithRetry<C, fn(&E) -> Verdict> {
    /// Sets after which errors to call again; the others end it.
    pub fn when(self, is_transient: impl Fn(&E) -> bool) -> WithRetry<C, impl Fn(&E) -> Verdict> {
        self.classify(move |error| match is_transient(error) {
            true => Verdict::Retry,
            false => Verdict::Stop,
        })
    }

    /// Sets what each error means; in place of [`when`](Self::when).
    pub fn classify<K: Fn(&E) -> Verdict>(self, classify: K) -> WithRetry<C, K> {
        WithRetry {
            policy: self.policy,
            function: self.function,
            classify,
        }
    }
}

impl<C, K> WithRetry<C, K> {
    /// Calls the function until it succeeds or the policy gives up.
    ///
    /// # Errors
    ///
    /// [`RetryError`] with the last error and the reason for giving up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call in progress, or ends the wait; no further call is made.
    pub async fn call<A, T, E, F>(&self, argument: A) -> Result<T, RetryError<E>>
    where
        A: Clone,
        C: Fn(A) -> F,
        F: Future<Output = Result<T, E>>,
        K: Fn(&E) -> Verdict,
    {
        let call = || (self.function)(argument.clone());
        Retried::new(&self.policy, call, &self.classify, silent).await
    }
}

impl<C, K> fmt::Debug for WithRetry<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithRetry")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
