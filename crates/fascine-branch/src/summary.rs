//! Summaries of turns that are long ago, made in the background.

mod background;
mod model_summary;
mod segment;
mod standing;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::Turn;

pub(crate) use background::{Summaries, made};
pub use model_summary::ModelSummary;
pub(crate) use standing::{originals, summed_up, turn};

/// Makes one text of several turns. An async function of a `Vec<Turn>` is one, and [`ModelSummary`] asks a model.
pub trait Summariser: Send + Sync + 'static {
    /// Sums up `turns`, oldest first. The text stands in the conversation as said by its user.
    ///
    /// # Errors
    ///
    /// The future gives whatever went wrong.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    fn summarise(
        &self,
        turns: Vec<Turn>,
    ) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>>;
}

impl<F, R, E> Summariser for F
where
    F: Fn(Vec<Turn>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<String, E>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn summarise(
        &self,
        turns: Vec<Turn>,
    ) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>> {
        let summary = self(turns);
        Box::pin(async move { summary.await.map_err(Into::into) })
    }
}

/// When a branch sums up what is long ago, and what does it.
///
/// When a turn has committed, and a whole `segment` of turns has been pruned or is older than the `recent` ones, the oldest
/// segment is given to the [`Summariser`], in the background, with the summaries that come before it. Between two turns
/// its summary takes their place, and what is still in the history goes to the [archive](crate::Archive). A turn is summed
/// up once, and a summary is a turn: there are never many. Where there are bounds, summaries are pruned last. Pinned turns
/// stay.
///
/// Without a summary the turns stay, until they are pruned: [`SummaryFailed`](crate::BranchEvent::SummaryFailed) says so,
/// and they are not tried again. An archive that is bounded has to have room for a segment.
///
/// The work belongs to the branch: it ends with the last handle. A fork does its own.
///
/// # Defaults
///
/// - segments of 8 turns
/// - the 4 latest turns stay as they are
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, Summarise, Turn};
/// use fascine_model::EchoModel;
/// use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let count = |turns: Vec<Turn>| async move { Ok::<_, std::io::Error>(format!("{} turns", turns.len())) };
/// let summarise = Summarise::new(count).with_recent(1).with_segment(NonZeroUsize::MIN.saturating_add(1));
/// let branch = Branch::builder(&rt, "chat", EchoModel).summarise(summarise).build();
/// for text in ["one", "two", "three"] {
///     branch.communicate(text).await.unwrap();
/// }
/// while branch.archive().is_empty() {
///     rt.sleep(std::time::Duration::from_millis(1)).await;
/// }
/// let said: Vec<String> = branch.history().iter().map(|message| message.text()).collect();
/// assert_eq!(said, ["2 turns", "three", "three"]);
/// # });
/// ```
#[derive(Clone)]
pub struct Summarise {
    summariser: Arc<dyn Summariser>,
    segment: NonZeroUsize,
    recent: usize,
}

impl Summarise {
    /// Has `summariser` sum up what is long ago.
    pub fn new(summariser: impl Summariser) -> Self {
        Self {
            summariser: Arc::new(summariser),
            segment: SEGMENT,
            recent: RECENT,
        }
    }

    /// Sets how many turns are summed up at once.
    #[must_use]
    pub fn with_segment(mut self, turns: NonZeroUsize) -> Self {
        self.segment = turns;
        self
    }

    /// Sets how many of the latest turns stay as they are.
    #[must_use]
    pub fn with_recent(mut self, turns: usize) -> Self {
        self.recent = turns;
        self
    }
}

impl fmt::Debug for Summarise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summarise")
            .field("segment", &self.segment)
            .field("recent", &self.recent)
            .finish_non_exhaustive()
    }
}

const SEGMENT: NonZeroUsize = NonZeroUsize::new(8).unwrap();
const RECENT: usize = 4;
