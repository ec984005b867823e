use std::sync::Arc;

use fascine_model::Model;
use fascine_rt::Rt;

use crate::ids::Ids;
use crate::observers::Observers;
use crate::settings::Settings;
use crate::{Branch, Clock, History, OnAbort, SystemPrompt, ToolSet};

/// Sets a branch up; made by [`Branch::builder`] for a new one and by [`Branch::fork_builder`] for a fork.
///
/// # Defaults
///
/// - no system prompt, no tools, no clock
/// - ids that follow from the branch's name: give branches whose messages meet seeds of their own
/// - a turn that breaks off leaves nothing
#[derive(Debug)]
#[must_use]
pub struct BranchBuilder {
    name: String,
    settings: Settings,
    history: History,
    seed: Option<u64>,
    /// What it is a fork of.
    parent: Option<Branch>,
    inherits_observers: bool,
}

impl BranchBuilder {
    pub(crate) fn new(rt: &Rt, name: String, model: Arc<dyn Model>) -> Self {
        let settings = Settings {
            rt: rt.clone(),
            model,
            system: None,
            tools: ToolSet::new(),
            clock: None,
            on_abort: OnAbort::default(),
        };
        Self {
            name,
            settings,
            history: History::new(),
            seed: None,
            parent: None,
            inherits_observers: false,
        }
    }

    pub(crate) fn fork(name: String, parent: &Branch, history: History, seed: u64) -> Self {
        Self {
            name,
            settings: parent.settings().clone(),
            history,
            seed: Some(seed),
            parent: Some(parent.clone()),
            inherits_observers: false,
        }
    }

    /// Sets the model.
    pub fn model(mut self, model: impl Model) -> Self {
        self.settings.model = Arc::new(model);
        self
    }

    /// Sets the system prompt: it goes first in every request and is not part of the history.
    pub fn system(mut self, prompt: impl Into<SystemPrompt>) -> Self {
        self.settings.system = Some(prompt.into());
        self
    }

    /// Sets the tools that the model may have called.
    pub fn tools(mut self, tools: ToolSet) -> Self {
        self.settings.tools = tools;
        self
    }

    /// Sets what says when messages were said.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = Some(clock);
        self
    }

    /// Sets what becomes of a turn that breaks off.
    pub fn on_abort(mut self, what: OnAbort) -> Self {
        self.settings.on_abort = what;
        self
    }

    /// Sets what was said before.
    pub fn history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// Sets what the ids of turns and messages are derived from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Tells the observers of the branch that this is a fork of, those that come later too, what happens in the fork.
    /// A new branch has none to take over.
    pub fn inherit_observers(mut self) -> Self {
        self.inherits_observers = true;
        self
    }

    /// Makes the branch.
    #[must_use]
    pub fn build(self) -> Branch {
        let seed = self.seed.unwrap_or_else(|| Ids::seed_of(&self.name));
        let parent = self.parent.filter(|_| self.inherits_observers);
        let inherited = parent.map(|parent| parent.observers().hubs());
        let observers = Observers::inheriting(inherited.unwrap_or_default());
        let ids = Ids::new(seed);
        Branch::from_parts(self.name, self.settings, self.history, ids, observers)
    }
}
