use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::policy::{Next, Policy};
use crate::PipelineError;

/// A [`Pipeline`](crate::Pipeline) whose policies are forgotten: a type to keep in a field. Clones are the same.
///
/// Each run takes a box, and each attempt one more.
pub struct BoxedPipeline<T, E> {
    policy: Arc<dyn Erased<T, E>>,
}

impl<T: Send, E: Send> BoxedPipeline<T, E> {
    pub(super) fn new(policy: impl Policy<T, E> + 'static) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }

    /// Makes a call under all the policies: see [`Pipeline::run`](crate::Pipeline::run).
    ///
    /// # Errors
    ///
    /// As [`Pipeline::run`](crate::Pipeline::run).
    ///
    /// # Cancel safety
    ///
    /// As [`Pipeline::run`](crate::Pipeline::run).
    pub async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, E>> + Send,
    {
        let call = &call;
        let attempt = move || -> Attempt<'_, T, E> {
            Box::pin(async move { call().await.map_err(PipelineError::Call) })
        };
        self.policy.run(&attempt).await
    }
}

impl<T, E> Clone for BoxedPipeline<T, E> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
        }
    }
}

impl<T, E> fmt::Debug for BoxedPipeline<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedPipeline").finish_non_exhaustive()
    }
}

type Attempt<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, PipelineError<E>>> + Send + 'a>>;

/// [`Policy`] with its generics fixed.
trait Erased<T, E>: Send + Sync {
    fn run<'a>(
        &'a self,
        call: &'a (dyn Fn() -> Attempt<'a, T, E> + Send + Sync + 'a),
    ) -> Attempt<'a, T, E>
    where
        T: 'a,
        E: 'a;
}

impl<T: Send, E: Send, P: Policy<T, E>> Erased<T, E> for P {
    fn run<'a>(
        &'a self,
        call: &'a (dyn Fn() -> Attempt<'a, T, E> + Send + Sync + 'a),
    ) -> Attempt<'a, T, E>
    where
        T: 'a,
        E: 'a,
    {
        Box::pin(Policy::run(self, BoxedCall(call)))
    }
}

/// The call, with its type forgotten.
struct BoxedCall<'a, T, E>(&'a (dyn Fn() -> Attempt<'a, T, E> + Send + Sync + 'a));

impl<T, E> Copy for BoxedCall<'_, T, E> {}

impl<T, E> Clone for BoxedCall<'_, T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send, E: Send> Next<T, E> for BoxedCall<'_, T, E> {
    fn call(self) -> impl Future<Output = Result<T, PipelineError<E>>> + Send {
        (self.0)()
    }
}
