use std::collections::HashSet;

use fascine_branch::{Branch, History, Merge, Turn, TurnId};
use fascine_flow::StepResult;

use crate::{BranchKey, Session};

/// What becomes of the fork of an operation.
#[derive(Clone, Debug, Default)]
pub(crate) enum KeepRule {
    /// It becomes a branch of the session, by this name.
    Branch(String),
    /// What was said there is taken over into this branch, or into the one it is a fork of.
    Commit(Option<BranchKey>),
    /// It is gone.
    #[default]
    Nothing,
}

/// The same, with what was looked up.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    Branch(Session, String),
    Commit(Branch),
    Nothing,
}

impl Keep {
    /// The name that the fork needs.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Branch(_, name) => Some(name),
            Self::Commit(_) | Self::Nothing => None,
        }
    }

    /// Asks whether it can be kept, before anything is spent on it.
    pub(crate) fn check(&self) -> StepResult<()> {
        match self {
            Self::Branch(session, name) => Ok(session.check_free(name)?),
            Self::Commit(_) | Self::Nothing => Ok(()),
        }
    }

    /// Keeps it; of what was said there, what is not in `before` enters another branch. Gives what has entered.
    pub(crate) async fn keep(&self, fork: &Branch, before: &History) -> StepResult<History> {
        match self {
            Self::Branch(session, _) => {
                session.add_branch(fork.clone())?;
            }
            Self::Commit(branch) => {
                let known: HashSet<TurnId> = before.turns().map(Turn::id).collect();
                let history = fork.history();
                let said = history.turns().filter(|turn| !known.contains(&turn.id()));
                let said: History = said.cloned().collect();
                enter(branch, said.clone()).await?;
                return Ok(said);
            }
            Self::Nothing => {}
        }
        Ok(History::new())
    }
}

/// Lets turns enter a branch, each once.
pub(crate) async fn enter(branch: &Branch, said: History) -> StepResult<()> {
    let said = branch.fork_builder(branch.name()).history(said).build();
    branch.merge(&said, Merge::Append).await?;
    Ok(())
}
