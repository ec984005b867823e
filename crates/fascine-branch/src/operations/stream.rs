use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::draft::Draft;
use crate::operations::turn_loop::TurnLoop;
use crate::yielding::{Items, Yielded, Yielding};
use crate::{Branch, BranchError, Communicate, Reply, TurnItem};

/// A turn that can be followed; made by [`Branch::stream`].
///
/// The stream gives what happens on the way, and at last the [`Reply`], or the error for which there is none. The turn
/// enters the history with the reply; a stream that is dropped before has not happened.
#[must_use = "streams do nothing unless they are polled"]
pub struct TurnStream(Yielding<TurnItem, Result<Reply, BranchError>>);

/// What a [`TurnStream`] gives. Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamItem {
    /// The end: what came of the turn, which has just entered the history.
    Reply(Reply),
    /// Something on the way.
    Turn(TurnItem),
}

impl Branch {
    /// Says something to the model, as [`communicate`](Self::communicate) does, and gives what happens as it happens.
    ///
    /// Nothing is asked before the stream is polled. It owns a handle to the branch, and runs only while it is polled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, StreamItem, TurnItem};
    /// # use fascine_model::{Chunk, ScriptedModel};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let branch = Branch::new(&rt, "zoology", ScriptedModel::new(&rt).with_answer("Eight legs."));
    /// let mut turn = branch.stream("How many legs has a spider?");
    /// let mut words = Vec::new();
    /// while let Some(item) = turn.item().await.unwrap() {
    ///     match item {
    ///         StreamItem::Turn(TurnItem::Chunk(Chunk::Text(word))) => words.push(word),
    ///         StreamItem::Turn(_) => {}
    ///         StreamItem::Reply(reply) => assert_eq!(reply.text(), "Eight legs."),
    ///     }
    /// }
    /// assert_eq!(words, ["Eight ", "legs."]);
    /// assert_eq!(branch.history().len(), 2);
    /// # });
    /// ```
    pub fn stream(&self, what: impl Into<Communicate>) -> TurnStream {
        let (branch, what) = (self.clone(), what.into());
        TurnStream(Yielding::new(|items| run(branch, what, items)))
    }
}

async fn run(
    branch: Branch,
    what: Communicate,
    items: Items<TurnItem>,
) -> Result<Reply, BranchError> {
    let instruction = what.instruction.message();
    let mut draft = Draft::begin(&branch, instruction, what.turn.when_busy).await?;
    let turn_loop = TurnLoop::new(&draft, &what.call, &what.turn);
    let mut turn_loop = turn_loop.with_items(Some(items));
    let response = turn_loop.answer(&mut draft, None, None).await?;
    draft.commit(response)
}

impl TurnStream {
    /// Waits for the next item; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer; it is the last item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item stays in the stream until the poll that returns it.
    pub async fn item(&mut self) -> Result<Option<StreamItem>, BranchError> {
        poll_fn(|cx| self.poll_item(cx)).await.transpose()
    }

    /// Waits for the end, past everything on the way.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer, and [`BranchError::InvalidOperation`] when the stream has given its end
    /// already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the turn.
    pub async fn reply(self) -> Result<Reply, BranchError> {
        let over = || BranchError::InvalidOperation {
            field: "stream",
            reason: "has given its end already".to_owned(),
        };
        self.0.output().await.unwrap_or_else(|| Err(over()))
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<StreamItem, BranchError>>> {
        self.0.poll_next(cx).map(|next| {
            next.map(|next| match next {
                Yielded::Item(item) => Ok(StreamItem::Turn(item)),
                Yielded::Output(reply) => reply.map(StreamItem::Reply),
            })
        })
    }
}

impl Stream for TurnStream {
    type Item = Result<StreamItem, BranchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TurnStream").field(&self.0).finish()
    }
}
