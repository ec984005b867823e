use std::sync::Arc;

use fascine_model::Model;
use fascine_rt::Rt;

use crate::ids::Ids;
use crate::observers::Observers;
use crate::settings::Settings;
use crate::state::State;
use crate::{
    Archive, Branch, BranchLog, Capabilities, Clock, Context, Dump, History, OnAbort, Prune,
    Summarise, SystemPrompt, ToolSet, UnknownContextProvider,
};

/// Sets a branch up; made by [`Branch::builder`] for a new one and by [`Branch::fork_builder`] for a fork.
///
/// # Defaults
///
/// - no system prompt, no tools, no clock
/// - everything that was said is sent, and kept
/// - an archive without a bound
/// - ids that follow from the branch's name: give branches whose messages meet seeds of their own
/// - a turn that breaks off leaves nothing
#[derive(Debug)]
#[must_use]
pub struct BranchBuilder {
    name: String,
    settings: Settings,
    history: History,
    archive: Archive,
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
            capabilities: Capabilities::default(),
            log: None,
            on_abort: OnAbort::default(),
            prune: None,
            summarise: None,
        };
        Self {
            name,
            settings,
            history: History::new(),
            archive: Archive::default(),
            seed: None,
            parent: None,
            inherits_observers: false,
        }
    }

    pub(crate) fn fork(
        name: String,
        parent: &Branch,
        history: History,
        archive: Archive,
        seed: u64,
    ) -> Self {
        let settings = Settings {
            system: parent.system_prompt(),
            ..parent.settings().clone()
        };
        Self {
            name,
            settings,
            history,
            archive,
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

    /// Registers a context provider under a name: a provider, or a [`Context`] that says how it is asked. One of the same
    /// name is replaced.
    pub fn register_context_provider(
        mut self,
        name: impl Into<String>,
        context: impl Into<Context>,
    ) -> Self {
        let system = self.settings.system.take().unwrap_or_default();
        self.settings.system = Some(system.with_context(name, context));
        self
    }

    /// The context provider of this name.
    #[must_use]
    pub fn context_provider(&self, name: &str) -> Option<&Context> {
        self.settings.system.as_ref()?.context(name)
    }

    /// Leaves the context provider of this name out.
    ///
    /// # Errors
    ///
    /// [`UnknownContextProvider`] if there is none.
    pub fn unregister_context_provider(
        mut self,
        name: &str,
    ) -> Result<Self, UnknownContextProvider> {
        let system = self.settings.system.take().unwrap_or_default();
        self.settings.system = Some(system.without_context(name)?);
        Ok(self)
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

    /// Writes down what happens. A fork has the log of the branch that it is made of.
    pub fn log(mut self, log: BranchLog) -> Self {
        self.settings.log = Some(log);
        self
    }

    /// Writes nothing down.
    pub fn without_log(mut self) -> Self {
        self.settings.log = None;
        self
    }

    /// Sets what becomes of a turn that breaks off.
    pub fn on_abort(mut self, what: OnAbort) -> Self {
        self.settings.on_abort = what;
        self
    }

    /// Sets how much of the history is sent and kept.
    pub fn prune(mut self, prune: Prune) -> Self {
        self.settings.prune = Some(prune);
        self
    }

    /// Sets how many of the turns that were pruned are kept in the archive: the first to come go first.
    pub fn max_archived(mut self, turns: usize) -> Self {
        self.archive.set_limit(Some(turns));
        self
    }

    /// Sets what makes summaries of turns that are long ago.
    pub fn summarise(mut self, summarise: Summarise) -> Self {
        self.settings.summarise = Some(summarise);
        self
    }

    /// Takes over what another branch was, but for its name: system prompt, history, archive, and the ids to come.
    pub fn dump(mut self, dump: Dump) -> Self {
        let limit = self.archive.limit();
        dump.system.put_into(&mut self.settings.system);
        self.history = dump.history;
        self.archive = dump.archive;
        self.archive.set_limit(limit);
        self.seed = Some(dump.ids);
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

    /// Lets its ids follow from this text too. Forks that are made in the same order in two processes have the same ids:
    /// where their turns meet, each needs a text of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let turn = async |salt: &str| {
    ///     let branch = Branch::new(&rt, "main", EchoModel);
    ///     let fork = branch.fork_builder("fork").salt(salt).build();
    ///     fork.communicate("Hello").await.unwrap().turn
    /// };
    /// assert_eq!(turn("one").await, turn("one").await);
    /// assert_ne!(turn("one").await, turn("two").await);
    /// # });
    /// ```
    pub fn salt(mut self, salt: &str) -> Self {
        let seed = self.seed.unwrap_or_else(|| Ids::seed_of(&self.name));
        self.seed = Some(seed ^ Ids::seed_of(salt));
        self
    }

    /// Tells the observers of the branch that this is a fork of, those that come later too, what happens in the fork.
    /// A new branch has none to take over.
    pub fn inherit_observers(mut self) -> Self {
        self.inherits_observers = true;
        self
    }

    pub(crate) fn narrow(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.settings.capabilities);
        self
    }

    /// Makes the branch.
    #[must_use]
    pub fn build(mut self) -> Branch {
        self.settings.keep_to_capabilities();
        let seed = self.seed.unwrap_or_else(|| Ids::seed_of(&self.name));
        let parent = self.parent.filter(|_| self.inherits_observers);
        let inherited = parent.map(|parent| parent.observers().hubs());
        let observers = Observers::inheriting(inherited.unwrap_or_default());
        let system = self.settings.system.clone();
        let state = State::new(system, self.history, self.archive, Ids::new(seed));
        Branch::from_parts(self.name, self.settings, state, observers)
    }
}
