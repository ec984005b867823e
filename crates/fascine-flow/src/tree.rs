use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::checkpoint::Recorder;
use crate::desk::Desk;
use crate::graph::Inner;
use crate::keep::Keep;
use crate::limit::Rank;
use crate::path::Prefix;
use crate::readers::Readers;
use crate::suspension::Suspension;
use crate::worker::Crew;
use crate::{GrowthError, SharedState, StepContext};

/// What a run and all runs nested in it have in common.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) shared: SharedState,
    pub(crate) begun: Instant,
    pub(crate) keep: Keep,
    pub(crate) readers: Arc<Readers>,
    /// What the steps ask.
    pub(crate) desk: Arc<Desk>,
    pub(crate) suspension: Suspension,
    pub(crate) suspends_when_waiting: bool,
    /// Who writes down what happens, if somebody does.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// How many steps may run at once.
    pub(crate) max_concurrent: usize,
    pub(crate) max_growth: usize,
    pub(crate) max_depth: u32,
    /// How many steps nested runs have brought.
    grown: AtomicUsize,
    /// Keys of the shared state without a reducer that the steps of a nested run may be changing.
    claims: Mutex<HashSet<String>>,
}

impl Tree {
    pub(crate) fn new(
        shared: SharedState,
        begun: Instant,
        readers: Arc<Readers>,
        desk: Arc<Desk>,
        bounds: &Bounds,
        recorder: Option<Arc<Recorder>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            begun,
            readers,
            desk,
            suspension: Suspension::default(),
            suspends_when_waiting: bounds.suspends_when_waiting,
            recorder,
            keep: bounds.keep.clone(),
            max_concurrent: bounds.max_concurrent,
            max_growth: bounds.max_growth,
            max_depth: bounds.max_depth,
            grown: AtomicUsize::new(0),
            claims: Mutex::default(),
        })
    }

    /// Whether so many steps more may come. Gives the limit if it would be passed.
    pub(crate) fn check_growth(&self, steps: usize) -> Result<(), usize> {
        let grown = self.grown.load(Ordering::Relaxed).checked_add(steps);
        match grown {
            Some(grown) if grown <= self.max_growth => Ok(()),
            _ => Err(self.max_growth),
        }
    }

    /// Counts the steps of a nested run. Gives the limit if it would be passed.
    fn grow(&self, steps: usize) -> Result<(), usize> {
        let grow = |grown: usize| {
            let grown = grown.checked_add(steps)?;
            (grown <= self.max_growth).then_some(grown)
        };
        let grown = self
            .grown
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow);
        grown.map(drop).map_err(|_| self.max_growth)
    }

    fn claims(&self) -> MutexGuard<'_, HashSet<String>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a [`Flow`](crate::Flow) sets for a run and all within it.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) keep: Keep,
    pub(crate) max_concurrent: usize,
    pub(crate) max_growth: usize,
    pub(crate) max_depth: u32,
    pub(crate) suspends_when_waiting: bool,
}

/// Where a run is in its tree.
pub(crate) struct Site {
    pub(crate) tree: Arc<Tree>,
    /// The step that runs it.
    pub(crate) parent: Option<StepContext>,
    pub(crate) prefix: Prefix,
    /// The step whose output is wanted, though others read it.
    pub(crate) output: Option<u32>,
    pub(crate) depth: u32,
    /// The priority of the step that runs it: its own steps have at least that.
    pub(crate) priority: i32,
}

impl Site {
    /// Of a run that no step runs.
    pub(crate) fn root(tree: Arc<Tree>) -> Arc<Self> {
        Arc::new(Self {
            tree,
            parent: None,
            prefix: Prefix::None,
            output: None,
            depth: 0,
            priority: i32::MIN,
        })
    }

    /// Where a graph is that a step runs, if there is room for it.
    pub(crate) fn nested(
        parent: &StepContext,
        prefix: Prefix,
        output: Option<u32>,
        graph: &Inner,
    ) -> Result<Arc<Self>, GrowthError> {
        let (crew, path) = (parent.crew(), || parent.path());
        let tree = &crew.site.tree;
        let (depth, limit) = (crew.site.depth.saturating_add(1), tree.max_depth);
        if depth > limit {
            let path = path();
            return Err(GrowthError::TooDeep { path, limit });
        }
        if let Err(limit) = tree.grow(graph.steps.len()) {
            let path = path();
            return Err(GrowthError::TooManySteps { path, limit });
        }
        let own = crew.graph.inner.steps[parent.number() as usize]
            .settings
            .priority;
        Ok(Arc::new(Self {
            tree: Arc::clone(tree),
            priority: crew.site.priority.max(own),
            parent: Some(parent.clone()),
            prefix,
            output,
            depth,
        }))
    }

    /// The step that runs it, and the run that this step is in.
    pub(crate) fn place(&self) -> Option<(&Arc<Crew>, u32)> {
        let parent = self.parent.as_ref()?;
        Some((parent.crew(), parent.number()))
    }

    /// Who goes first: see [`Rank`].
    pub(crate) fn rank(&self, priority: i32) -> Rank {
        (priority.max(self.priority), self.depth)
    }

    /// The runs around it, the nearest first.
    pub(crate) fn around<'a>(&'a self) -> impl Iterator<Item = &'a Arc<Crew>> {
        let parent = |site: &'a Self| site.parent.as_ref().map(StepContext::crew);
        std::iter::successors(parent(self), move |crew| parent(&crew.site))
    }
}

/// The keys that a nested run alone may change, for as long as it lasts.
#[derive(Debug)]
pub(crate) struct Claims {
    tree: Arc<Tree>,
    keys: Vec<String>,
}

impl Claims {
    pub(crate) fn new(site: &Site, graph: &Inner, path: &Arc<str>) -> Result<Self, GrowthError> {
        let mut this = Self {
            tree: Arc::clone(&site.tree),
            keys: Vec::new(),
        };
        let reduced = |key: &str| {
            let mut around = site.around();
            graph.reducers.contains_key(key)
                || around.any(|crew| crew.graph.inner.reducers.contains_key(key))
        };
        for key in graph.written.iter().filter(|key| !reduced(key)) {
            let mut around = site.around();
            let is_written = around.any(|crew| crew.graph.inner.written.contains(key));
            if is_written || !site.tree.claims().insert(key.clone()) {
                return Err(GrowthError::SharedKey {
                    path: Arc::clone(path),
                    key: key.clone(),
                });
            }
            this.keys.push(key.clone());
        }
        Ok(this)
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        let mut claims = self.tree.claims();
        for key in &self.keys {
            claims.remove(key);
        }
    }
}
