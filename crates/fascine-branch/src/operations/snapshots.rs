use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_model::Chunk;
use futures_core::Stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::{Answer, BranchError, OperateItem, OperateStream, PartialDecoder, TurnItem};

/// A typed answer that is seen as it grows; made by [`OperateStream::snapshots`].
#[must_use = "streams do nothing unless they are polled"]
pub struct Snapshots<T, P> {
    turn: OperateStream<T>,
    growing: Growing<P>,
    is_wrapped: bool,
}

/// What [`Snapshots`] give. Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum SnapshotItem<T, P> {
    /// The end: the answer, whole and checked. Its turn has just entered the history.
    Answer(Answer<T>),
    /// The answer so far; it differs from the one before. After a [`TurnItem::ReAsked`] another answer grows.
    Snapshot(Arc<P>),
    /// Something else on the way.
    Turn(TurnItem),
}

/// The answer that grows.
enum Growing<P> {
    Bare(PartialDecoder<P>),
    Wrapped(PartialDecoder<Wrapped<P>>),
}

#[derive(Deserialize, PartialEq)]
#[serde(bound = "P: DeserializeOwned")]
struct Wrapped<P> {
    #[serde(default, deserialize_with = "shared")]
    answer: Option<Arc<P>>,
}

fn shared<'de, D, P>(deserializer: D) -> Result<Option<Arc<P>>, D::Error>
where
    D: Deserializer<'de>,
    P: DeserializeOwned,
{
    let answer = Option::<P>::deserialize(deserializer)?;
    Ok(answer.map(Arc::new))
}

impl<T> OperateStream<T> {
    /// Shows the answer as it grows, as a `P`: what there may be of a `T`, with fields that are `Option`s or have
    /// `#[serde(default)]`, as [`PartialDecoder`] describes. No snapshot equals the one before, and all of them together
    /// cost no more than a few times what reading the answer once costs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, SnapshotItem};
    /// # use fascine_model::ScriptedModel;
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// #[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
    /// #[serde(default)]
    /// struct Animal {
    ///     name: String,
    ///     legs: Option<u32>,
    /// }
    ///
    /// let model = ScriptedModel::new(&rt).with_answer(r#"{"name": "garden spider", "legs": 8}"#);
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let mut answer = branch.operate_stream::<Animal>("Describe a spider.").snapshots::<Animal>();
    /// let mut names = Vec::new();
    /// while let Some(item) = answer.item().await.unwrap() {
    ///     match item {
    ///         SnapshotItem::Snapshot(animal) => names.push(animal.name.clone()),
    ///         SnapshotItem::Answer(answer) => assert_eq!(answer.value.legs, Some(8)),
    ///         SnapshotItem::Turn(_) => {}
    ///     }
    /// }
    /// assert_eq!(names, ["", "garden ", "garden spider", "garden spider"]); // the last has its legs
    /// # });
    /// ```
    pub fn snapshots<P>(self) -> Snapshots<T, P>
    where
        P: DeserializeOwned + PartialEq,
    {
        let is_wrapped = self.is_wrapped();
        Snapshots {
            growing: Growing::new(is_wrapped),
            is_wrapped,
            turn: self,
        }
    }
}

impl<P: DeserializeOwned + PartialEq> Growing<P> {
    fn new(is_wrapped: bool) -> Self {
        match is_wrapped {
            true => Self::Wrapped(PartialDecoder::new()),
            false => Self::Bare(PartialDecoder::new()),
        }
    }

    fn feed(&mut self, piece: &str) -> Option<Arc<P>> {
        match self {
            Self::Bare(decoder) => decoder.feed(piece),
            Self::Wrapped(decoder) => decoder.feed(piece)?.answer.clone(),
        }
    }
}

impl<T, P: DeserializeOwned + PartialEq> Snapshots<T, P> {
    /// Waits for the next item; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer that fits; it is the last item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item stays in the stream until the poll that returns it.
    pub async fn item(&mut self) -> Result<Option<SnapshotItem<T, P>>, BranchError> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx))
            .await
            .transpose()
    }

    /// What there is to see of an item, if anything.
    fn see(&mut self, item: OperateItem<T>) -> Option<SnapshotItem<T, P>> {
        match item {
            OperateItem::Answer(answer) => Some(SnapshotItem::Answer(answer)),
            OperateItem::Turn(TurnItem::Chunk(Chunk::Text(piece))) => {
                self.growing.feed(&piece).map(SnapshotItem::Snapshot)
            }
            OperateItem::Turn(item) => {
                if is_beginning(&item) {
                    self.growing = Growing::new(self.is_wrapped);
                }
                Some(SnapshotItem::Turn(item))
            }
        }
    }
}

/// Whether another answer begins.
fn is_beginning(item: &TurnItem) -> bool {
    matches!(
        item,
        TurnItem::Chunk(Chunk::Start { .. })
            | TurnItem::ReAsked { .. }
            | TurnItem::ToolEnded { .. }
    )
}

impl<T, P: DeserializeOwned + PartialEq> Stream for Snapshots<T, P> {
    type Item = Result<SnapshotItem<T, P>, BranchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let next = ready!(Pin::new(&mut self.turn).poll_next(cx));
            match next.transpose() {
                Ok(Some(item)) => {
                    if let Some(item) = self.see(item) {
                        return Poll::Ready(Some(Ok(item)));
                    }
                }
                Ok(None) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<T, P> Unpin for Snapshots<T, P> {}

impl<T, P> fmt::Debug for Snapshots<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
