use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::operations::operate::operate_turn;
use crate::operations::typed_turn::Judged;
use crate::structured::Shape;
use crate::yielding::{Items, Yielded, Yielding};
use crate::{Answer, Branch, BranchError, Operate, TurnItem};

/// A turn that is followed until its answer is a `T`; made by [`Branch::operate_stream`].
#[must_use = "streams do nothing unless they are polled"]
pub struct OperateStream<T> {
    turn: Yielding<TurnItem, Result<Answer<T>, BranchError>>,
    /// Whether the answer comes in the field `answer` of an object.
    is_wrapped: bool,
}

/// What an [`OperateStream`] gives. Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum OperateItem<T> {
    /// The end: the answer, whose turn has just entered the history.
    Answer(Answer<T>),
    /// Something on the way.
    Turn(TurnItem),
}

impl Branch {
    /// Says something to the model, as [`operate`](Self::operate) does, and gives what happens as it happens.
    ///
    /// Nothing is asked before the stream is polled. It owns a handle to the branch, and runs only while it is polled.
    pub fn operate_stream<T>(&self, what: impl Into<Operate>) -> OperateStream<T>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        let (branch, what) = (self.clone(), what.into());
        OperateStream {
            turn: Yielding::new(|items| run(branch, what, items)),
            is_wrapped: Shape::of::<T>().is_ok_and(|shape| shape.is_wrapped()),
        }
    }
}

async fn run<T>(
    branch: Branch,
    what: Operate,
    items: Items<TurnItem>,
) -> Result<Answer<T>, BranchError>
where
    T: DeserializeOwned + JsonSchema,
{
    let (draft, judged, re_asked) = operate_turn(&branch, &what, Some(items)).await?;
    let Judged { response, judged } = judged;
    match judged {
        Ok(fit) => Ok(Answer {
            value: fit.value,
            reply: draft.commit(response)?,
            re_asked,
        }),
        Err(misfit) => Err(draft.invalid(&response, misfit)),
    }
}

impl<T> OperateStream<T> {
    pub(crate) fn is_wrapped(&self) -> bool {
        self.is_wrapped
    }

    /// Waits for the next item; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer that fits; it is the last item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item stays in the stream until the poll that returns it.
    pub async fn item(&mut self) -> Result<Option<OperateItem<T>>, BranchError> {
        poll_fn(|cx| self.poll_item(cx)).await.transpose()
    }

    fn poll_item(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<OperateItem<T>, BranchError>>> {
        self.turn.poll_next(cx).map(|next| {
            next.map(|next| match next {
                Yielded::Item(item) => Ok(OperateItem::Turn(item)),
                Yielded::Output(answer) => answer.map(OperateItem::Answer),
            })
        })
    }
}

impl<T> Stream for OperateStream<T> {
    type Item = Result<OperateItem<T>, BranchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> Unpin for OperateStream<T> {}

impl<T> fmt::Debug for OperateStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperateStream")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
