use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::graph::Inner;
use crate::keep::Keep;
use crate::limit::Rank;
use crate::path::Prefix;
use crate::readers::Readers;
use crate::worker::Crew;
use crate::{GrowthError, SharedState};

/// What a run and all runs nested in it have in common.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) shared: SharedState,
    pub(crate) begun: Instant,
    pub(crate) keep: Keep,
    pub(crate) readers: Arc<Readers>,
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
        bounds: &Bounds,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            begun,
            readers,
            keep: bounds.keep.clone(),
            max_concurrent: bounds.max_concurrent,
            max_growth: bounds.max_growth,
            max_depth: bounds.max_depth,
            grown: AtomicUsize::new(0),
            claims: Mutex::default(),
        })
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
}

/// Where a run is in its tree.
pub(crate) struct Site {
    pub(crate) tree: Arc<Tree>,
    /// The run of the step that runs it.
    pub(crate) parent: Option<Arc<Crew>>,
    pub(crate) prefix: Prefix,
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
            depth: 0,
            priority: i32::MIN,
        })
    }

    /// Where a graph is that a step of the `parent` runs, if there is room for it.
    pub(crate) fn nested(
        parent: &Arc<Crew>,
        step: u32,
        prefix: Prefix,
        graph: &Inner,
        path: &Arc<str>,
    ) -> Result<Arc<Self>, GrowthError> {
        let (above, path) = (&parent.site, Arc::clone(path));
        let tree = &above.tree;
        let limit = tree.max_depth;
        let depth = above.depth.saturating_add(1);
        if depth > limit {
            return Err(GrowthError::TooDeep { path, limit });
        }
        if let Err(limit) = tree.grow(graph.steps.len()) {
            return Err(GrowthError::TooManySteps { path, limit });
        }
        let own = parent.graph.inner.steps[step as usize].settings.priority;
        Ok(Arc::new(Self {
            tree: Arc::clone(tree),
            parent: Some(Arc::clone(parent)),
            prefix,
            depth,
            priority: above.priority.max(own),
        }))
    }

    /// Who goes first: see [`Rank`].
    pub(crate) fn rank(&self, priority: i32) -> Rank {
        (priority.max(self.priority), self.depth)
    }

    /// The runs around it, the nearest first.
    pub(crate) fn around(&self) -> impl Iterator<Item = &Arc<Crew>> {
        std::iter::successors(self.parent.as_ref(), |crew| crew.site.parent.as_ref())
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
