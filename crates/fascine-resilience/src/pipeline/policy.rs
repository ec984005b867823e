use std::future::Future;

use crate::PipelineError;

/// Something round a call: whether it is made, when, how often, for how long.
///
/// [`Bulkhead`](crate::Bulkhead), [`Timeout`](crate::Timeout) and the others are put into a
/// [`Pipeline`](crate::Pipeline) by its methods, which keep their order. One of your own implements this and goes in
/// by [`with`](crate::Pipeline::with), wherever you like.
///
/// A policy that lets a call through hands on what it gets. One that refuses says so with
/// [`PipelineError::Refused`], so that nothing further out takes that for a failure of the other side.
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Pipeline, PipelineError, Policy};
/// # use std::{future::Future, sync::atomic::{AtomicU32, Ordering::Relaxed}};
/// #[derive(Debug, Default)]
/// struct Count(AtomicU32);
///
/// impl<T: Send, E: Send> Policy<T, E> for Count {
///     async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
///     where
///         C: Fn() -> F + Send + Sync,
///         F: Future<Output = Result<T, PipelineError<E>>> + Send,
///     {
///         self.0.fetch_add(1, Relaxed);
///         call().await
///     }
/// }
/// # fascine_testing::TestRuntime::run(|_| async {
/// let pipeline = Pipeline::new().with(Count::default());
/// assert_eq!(pipeline.run(|| async { Ok::<_, ()>(42) }).await, Ok(42));
/// # });
/// ```
pub trait Policy<T: Send, E: Send>: Send + Sync {
    /// Runs a call, which may be made any number of times.
    fn run<C, F>(&self, call: C) -> impl Future<Output = Result<T, PipelineError<E>>> + Send
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send;
}

/// No policy at all.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl<T: Send, E: Send> Policy<T, E> for Bare {
    fn run<C, F>(&self, call: C) -> impl Future<Output = Result<T, PipelineError<E>>> + Send
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        call()
    }
}

/// A policy round another one.
#[derive(Clone, Copy, Debug)]
pub struct Around<O, I> {
    pub(super) outer: O,
    pub(super) inner: I,
}

impl<T, E, O, I> Policy<T, E> for Around<O, I>
where
    T: Send,
    E: Send,
    O: Policy<T, E>,
    I: Policy<T, E>,
{
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let call = &call;
        self.outer.run(move || self.inner.run(call)).await
    }
}
