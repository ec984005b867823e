//! A branch as a document.

mod depth;
mod disk;
mod document;
mod error;
mod load;

use serde::{Deserialize, Serialize};

use crate::{Archive, Branch, History, SystemPrompt};

pub use error::{DumpError, LoadError};
pub use load::LoadDump;

/// What a branch was at one moment: name, system prompt, history, archive, and where its ids come from.
///
/// What it was built with is not in it: model, tools, clock, bounds. Neither is a key or anything of a model's. It is
/// JSON with a version, and what is read is what was written.
///
/// A branch that is made of a dump goes on with the ids that the other would have given: it is the same branch, later.
/// Give it a [`seed`](crate::BranchBuilder::seed) if both live on and are to [merge](Branch::merge).
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, Dump};
/// use fascine_model::EchoModel;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let branch = Branch::builder(&rt, "chat", EchoModel).system("Be brief.").build();
/// branch.communicate("hello").await.unwrap();
/// let json = branch.dump().to_json().unwrap();
///
/// let dump = Dump::from_json(json.as_bytes()).unwrap();
/// let again = Branch::builder(&rt, "chat", EchoModel).dump(dump).build();
/// assert_eq!(again.history(), branch.history());
/// assert_eq!(again.dump(), branch.dump());
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    pub(crate) name: String,
    pub(crate) system: SavedPrompt,
    pub(crate) history: History,
    pub(crate) archive: Archive,
    pub(crate) ids: u64,
}

/// What is kept of a system prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SavedPrompt {
    /// There was one that was made anew for each request: whoever loads has to have it.
    Composed,
    /// There was none.
    None,
    Text(String),
}

impl SavedPrompt {
    fn of(prompt: Option<&SystemPrompt>) -> Self {
        match prompt.map(SystemPrompt::as_text) {
            None => Self::None,
            Some(None) => Self::Composed,
            Some(Some(text)) => Self::Text(text.to_owned()),
        }
    }

    /// Puts what was kept in the place of `prompt`, and gives what was there.
    pub(crate) fn put_into(self, prompt: &mut Option<SystemPrompt>) -> Option<SystemPrompt> {
        match self {
            Self::Composed => None,
            Self::None => prompt.take(),
            Self::Text(text) => prompt.replace(SystemPrompt::text(text)),
        }
    }
}

impl Dump {
    /// The name of the branch that it was made of.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The system prompt, if it was a text.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        match &self.system {
            SavedPrompt::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What was said.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What was pruned or summed up.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }
}

impl Branch {
    /// Makes a document of the branch. A turn that still goes on is not in it.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let state = self.state();
        Dump {
            name: self.name().to_owned(),
            system: SavedPrompt::of(state.system.as_ref()),
            history: state.history.clone(),
            archive: state.archive.clone(),
            ids: state.ids.state(),
        }
    }
}
