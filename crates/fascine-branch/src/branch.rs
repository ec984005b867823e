use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fascine_concurrency::Lock;
use fascine_model::Model;
use fascine_rt::Rt;

use crate::observers::Observers;
use crate::settings::Settings;
use crate::state::State;
use crate::{Archive, BranchBuilder, BranchEvent, EventRecord, History, SystemPrompt};

/// A conversation with a model.
///
/// A clone is the same conversation. [`fork`](Self::fork) makes another one.
#[derive(Clone)]
pub struct Branch(Arc<Inner>);

struct Inner {
    name: String,
    settings: Settings,
    /// Held through a turn: the next one sees what this one said.
    turn: Arc<Lock<()>>,
    /// Held for moments: it can be read while a turn goes on.
    state: Mutex<State>,
    observers: Observers,
}

/// A branch that others may drop.
pub(crate) struct WeakBranch(Weak<Inner>);

impl WeakBranch {
    pub(crate) fn upgrade(&self) -> Option<Branch> {
        self.0.upgrade().map(Branch)
    }
}

impl Branch {
    /// Makes an empty conversation with `model`, and nothing else.
    pub fn new(rt: &Rt, name: impl Into<String>, model: impl Model) -> Self {
        Self::builder(rt, name, model).build()
    }

    /// Sets a conversation with `model` up.
    pub fn builder(rt: &Rt, name: impl Into<String>, model: impl Model) -> BranchBuilder {
        BranchBuilder::new(rt, name.into(), Arc::new(model))
    }

    /// The branch's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it runs.
    #[must_use]
    pub fn rt(&self) -> &Rt {
        &self.0.settings.rt
    }

    /// What was said so far. A turn that still goes on is not in it.
    #[must_use]
    pub fn history(&self) -> History {
        self.state().history.clone()
    }

    /// What was pruned so far, or summarised.
    #[must_use]
    pub fn archive(&self) -> Archive {
        self.state().archive.clone()
    }

    /// The system prompt, if there is one.
    #[must_use]
    pub fn system_prompt(&self) -> Option<SystemPrompt> {
        self.state().system.clone()
    }

    /// Makes a branch that begins where this one is, and goes its own way. A turn that still goes on is not in it.
    ///
    /// It takes constant time and memory, however long the history is.
    #[must_use]
    pub fn fork(&self, name: impl Into<String>) -> Self {
        self.fork_builder(name).build()
    }

    /// Sets up a fork that differs in more than its name.
    pub fn fork_builder(&self, name: impl Into<String>) -> BranchBuilder {
        let (history, archive, seed) = {
            let mut state = self.state();
            let seed = state.ids.seed();
            (state.history.clone(), state.archive.clone(), seed)
        };
        BranchBuilder::fork(name.into(), self, history, archive, seed)
    }

    pub(crate) fn from_parts(
        name: String,
        settings: Settings,
        state: State,
        observers: Observers,
    ) -> Self {
        Self(Arc::new(Inner {
            name,
            settings,
            turn: Arc::new(Lock::new(())),
            state: Mutex::new(state),
            observers,
        }))
    }

    /// What was said, and what was archived, at one moment.
    pub(crate) fn snapshot(&self) -> (History, Archive) {
        let state = self.state();
        (state.history.clone(), state.archive.clone())
    }

    pub(crate) fn downgrade(&self) -> WeakBranch {
        WeakBranch(Arc::downgrade(&self.0))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn turn_lock(&self) -> &Arc<Lock<()>> {
        &self.0.turn
    }

    /// Nobody holds it while calling something foreign.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.0.observers
    }

    /// Tells everybody of an event, which is not made if nobody listens.
    pub(crate) fn emit(&self, event: impl FnOnce() -> BranchEvent) {
        let log = self.settings().log.as_ref();
        if log.is_none() && !self.0.observers.is_listening() {
            return;
        }
        let write = |record: &EventRecord| {
            if let Some(log) = log {
                log.record(self, record);
            }
        };
        self.0.observers.tell(self.name(), event(), &write);
    }
}

/// Whether they are the same conversation.
impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Branch {}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch")
            .field("name", &self.0.name)
            .field("model", &self.0.settings.model.name())
            .field("messages", &self.state().history.len())
            .finish_non_exhaustive()
    }
}
