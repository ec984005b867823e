use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::operations::react::run::Run;
use crate::yielding::{Yielded, Yielding};
use crate::{Branch, BranchError, React, ReactReport, ReactStep};

/// A run that is followed round by round; made by [`Branch::react_stream`].
#[must_use = "streams do nothing unless they are polled"]
pub struct ReactStream<T>(Yielding<ReactStep, Result<ReactReport<T>, BranchError>>);

/// What a [`ReactStream`] gives. Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum ReactItem<T> {
    /// The end: what the run came to. Its turn has just entered the history.
    Report(Box<ReactReport<T>>),
    /// A round has ended.
    Step(ReactStep),
}

impl<T> ReactStream<T> {
    pub(super) fn new(branch: Branch, what: React) -> Self
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        Self(Yielding::new(|items| async move {
            let run = Run::begin(&branch, &what, Some(items)).await?;
            run.report().await
        }))
    }

    /// Waits for the next item; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer; it is the last item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item stays in the stream until the poll that returns it.
    pub async fn item(&mut self) -> Result<Option<ReactItem<T>>, BranchError> {
        poll_fn(|cx| self.poll_item(cx)).await.transpose()
    }

    fn poll_item(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<ReactItem<T>, BranchError>>> {
        self.0.poll_next(cx).map(|next| {
            next.map(|next| match next {
                Yielded::Item(step) => Ok(ReactItem::Step(step)),
                Yielded::Output(report) => report.map(|report| ReactItem::Report(report.into())),
            })
        })
    }
}

impl<T> Stream for ReactStream<T> {
    type Item = Result<ReactItem<T>, BranchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> Unpin for ReactStream<T> {}

impl<T> fmt::Debug for ReactStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReactStream").field(&self.0).finish()
    }
}
