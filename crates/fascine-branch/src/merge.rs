//! Bringing together what was said in different branches.

mod incoming;
mod interleave;
mod known;
mod rebase;
mod summed_up;

use std::fmt;
use std::sync::Arc;

use crate::summary::Summariser;
use crate::{Branch, EditError, Turn};

use incoming::Incoming;
pub(crate) use incoming::check;
use known::Known;

/// Where the turns go that come from another branch.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Merge {
    /// To the end, in their order.
    #[default]
    Append,
    /// Among those that were said after both branches were one, by their times. Each branch's own order stays; at equal
    /// times the branch's turns come before those of the other.
    InterleaveByTime,
    /// To the archive; a summary of them comes to the end.
    Summarise(Arc<dyn Summariser>),
}

impl Merge {
    /// Has `summariser` sum up what comes from the other branch.
    pub fn summarise(summariser: impl Summariser) -> Self {
        Self::Summarise(Arc::new(summariser))
    }
}

impl fmt::Debug for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Append => "Append",
            Self::InterleaveByTime => "InterleaveByTime",
            Self::Summarise(_) => "Summarise(..)",
        })
    }
}

impl Branch {
    /// Takes over what was said in `other` and not here, and gives the turns that came. The other branch stays as it is.
    ///
    /// - Turns are known by their ids: each is there once, however often branches merge. One that was archived here, or
    ///   summed up, is known, and does not come again; nor does a summary of turns that are all known.
    /// - Turns come whole: tool calls stay with their results.
    /// - A turn that is pinned in either branch is pinned, and in the history.
    ///
    /// Calls on this branch wait; those on the other do not, and what goes on there is not taken over.
    ///
    /// # Errors
    ///
    /// [`EditError::Conflict`] when two different turns have one id, [`EditError::NoTimestamp`] when turns are to be ordered
    /// by time and one has none, [`EditError::Summary`] when there is no summary, [`EditError::Unpaired`] when a turn has
    /// half of a tool call. Nothing has changed then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{Branch, Merge};
    /// use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let branch = Branch::new(&rt, "main", EchoModel);
    /// let fork = branch.fork("fork");
    /// fork.communicate("mine").await.unwrap();
    /// let came = branch.merge(&fork, Merge::Append).await.unwrap();
    /// assert_eq!(came.len(), 1);
    /// assert_eq!(branch.history(), fork.history());
    /// # });
    /// ```
    pub async fn merge(&self, other: &Self, merge: Merge) -> Result<Vec<Turn>, EditError> {
        let _turn = self.wait_for_turn().await;
        let (theirs, their_archive) = other.snapshot();
        let (history, archive) = self.snapshot();
        let known = Known::new(&history, &archive);
        let incoming = Incoming::new(self.name(), &known, &theirs, &their_archive)?;
        drop(known);
        match merge {
            Merge::Append => {}
            Merge::InterleaveByTime => return self.interleave(other.name(), &theirs, incoming),
            Merge::Summarise(_) if incoming.new.is_empty() => {}
            Merge::Summarise(summariser) => return self.sum_up(incoming, summariser).await,
        }
        let mut state = self.state();
        incoming.pin_in(&mut state);
        state.history.extend(incoming.new.iter().cloned());
        Ok(incoming.new)
    }

    /// Takes over one turn of another branch, at the end.
    ///
    /// # Errors
    ///
    /// [`EditError::DuplicateTurn`] when it is in the history or in the archive, [`EditError::Unpaired`] when it has half of
    /// a tool call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn cherry_pick(&self, turn: Turn) -> Result<(), EditError> {
        check(self.name(), &turn)?;
        let _turn = self.wait_for_turn().await;
        let mut state = self.state();
        if state.has(turn.id()) {
            return Err(EditError::DuplicateTurn {
                branch: self.name().to_owned(),
                turn: turn.id(),
            });
        }
        state.history.push(turn);
        Ok(())
    }
}
