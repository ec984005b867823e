use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use fascine_concurrency::{IntoSource, bounded_map_stream};
use futures_core::Stream;

use crate::{Branch, BranchError, Communicate, Reply};

/// How many inputs [`Branch::batch`] works on at a time, and what a failure means. A limit is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// How many inputs are on their way at a time.
    pub limit: NonZeroUsize,
    /// What a failure means to the inputs after it.
    pub on_failure: OnFailure,
}

/// What the failure of one input means to the others. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing: it is one of the results.
    #[default]
    GoOn,
    /// It is the last result: those on their way are dropped, and no others are begun.
    Stop,
}

impl Batch {
    /// Works on so many inputs at a time.
    #[must_use]
    pub const fn new(limit: NonZeroUsize) -> Self {
        Self {
            limit,
            on_failure: OnFailure::GoOn,
        }
    }

    /// Sets what a failure means to the inputs after it.
    #[must_use]
    pub const fn on_failure(mut self, what: OnFailure) -> Self {
        self.on_failure = what;
        self
    }
}

impl From<NonZeroUsize> for Batch {
    fn from(limit: NonZeroUsize) -> Self {
        Self::new(limit)
    }
}

/// The results of a batch, in the order of its inputs; made by [`Branch::batch`] and [`Branch::batch_with`].
///
/// Inputs are taken when there is room for them, so memory depends on the limit and not on how many there are. They make
/// progress only while the stream is polled.
#[must_use = "streams do nothing unless they are polled"]
pub struct BatchStream<'a, T, E> {
    /// `None` once it has ended.
    results: Option<BoxStream<'a, Result<T, E>>>,
    on_failure: OnFailure,
}

type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

impl Branch {
    /// Says each input to the model, on a fork of its own: what [`communicate`](Self::communicate) does, for many.
    ///
    /// No input sees another; all begin where this branch is when they are begun, and this branch does not change. What
    /// fails is the result of its own input.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, BranchError};
    /// # use fascine_concurrency::at_most;
    /// # use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let branch = Branch::new(&rt, "echo", EchoModel);
    /// let inputs = (0..100).map(|n| format!("input {n}"));
    /// let replies = branch.batch(inputs, at_most(8).unwrap()).collect().await;
    /// assert_eq!(replies.len(), 100);
    /// assert_eq!(replies[42].as_ref().unwrap().text(), "input 42");
    /// assert!(branch.history().is_empty());
    /// # });
    /// ```
    pub fn batch<'a, I>(
        &self,
        inputs: I,
        how: impl Into<Batch>,
    ) -> BatchStream<'a, Reply, BranchError>
    where
        I: IntoSource + 'a,
        I::Item: Into<Communicate> + Send + 'a,
        I::Source: Send,
    {
        self.batch_with(inputs, how, |fork, input| {
            let what = input.into();
            async move { fork.communicate(what).await }
        })
    }

    /// Does the same with each input, on a fork of its own: any operation, or several.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, BranchError};
    /// # use fascine_concurrency::at_most;
    /// # use fascine_model::ScriptedModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let model = ScriptedModel::new(&rt).with_rule("spider", "8").with_rule("beetle", "6");
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let legs = branch.batch_with(["spider", "beetle"], at_most(2).unwrap(), |fork, animal| async move {
    ///     Ok::<_, BranchError>(fork.operate::<u32>(animal).await?.value)
    /// });
    /// assert_eq!(legs.try_collect().await.unwrap(), [8, 6]);
    /// # });
    /// ```
    pub fn batch_with<'a, I, F, T, E>(
        &self,
        inputs: I,
        how: impl Into<Batch>,
        mut work: impl FnMut(Self, I::Item) -> F + Send + 'a,
    ) -> BatchStream<'a, T, E>
    where
        I: IntoSource + 'a,
        I::Item: 'a,
        I::Source: Send,
        F: Future<Output = Result<T, E>> + Send + 'a,
        T: Send + 'a,
        E: Send + 'a,
    {
        let Batch { limit, on_failure } = how.into();
        let (branch, mut index) = (self.clone(), 0_usize);
        let work = move |input| {
            let fork = branch.fork(format!("{}/{index}", branch.name()));
            index += 1;
            work(fork, input)
        };
        BatchStream {
            results: Some(Box::pin(bounded_map_stream(inputs, limit, work))),
            on_failure,
        }
    }
}

impl<T, E> BatchStream<'_, T, E> {
    /// Waits for the next result; `None` after the last.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a result stays in the stream until the poll that returns it.
    pub async fn result(&mut self) -> Option<Result<T, E>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for all results.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what runs, and the results so far.
    pub async fn collect(mut self) -> Vec<Result<T, E>> {
        let mut results = Vec::new();
        while let Some(result) = self.result().await {
            results.push(result);
        }
        results
    }

    /// Waits until all have succeeded, or one has failed; what runs then is dropped.
    ///
    /// # Errors
    ///
    /// The first failure, in the order of the inputs.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what runs, and the results so far.
    pub async fn try_collect(mut self) -> Result<Vec<T>, E> {
        let mut outputs = Vec::new();
        while let Some(result) = self.result().await {
            outputs.push(result?);
        }
        Ok(outputs)
    }
}

impl<T, E> Stream for BatchStream<'_, T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(results) = &mut self.results else {
            return Poll::Ready(None);
        };
        let next = ready!(results.as_mut().poll_next(cx));
        let is_last = match &next {
            None => true,
            Some(result) => result.is_err() && self.on_failure == OnFailure::Stop,
        };
        if is_last {
            self.results = None;
        }
        Poll::Ready(next)
    }
}

impl<T, E> fmt::Debug for BatchStream<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream")
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}
