use serde::Serialize;
use serde_json::Value;

use crate::checkpoint::Write;
use crate::shared_state::Reducer;
use crate::{Snapshot, StateError, StepContext};

/// What a step changes in the shared state.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// By the try that runs: nobody else sees it yet.
    pending: Vec<(Box<str>, Value)>,
    view: Option<View>,
    /// It has ended, and changes nothing more.
    is_over: bool,
    /// What was made of them, if the run is recorded.
    pub(crate) made: Vec<Write>,
}

/// What the step saw last: the shared state, with so many of its changes.
#[derive(Debug)]
struct View {
    base: Snapshot,
    state: Snapshot,
    count: usize,
}

impl Changes {
    /// Of a step whose changes are in the shared state already.
    pub(crate) fn made(made: Vec<Write>) -> Self {
        Self {
            made,
            ..Self::default()
        }
    }

    pub(crate) fn clear(&mut self) {
        self.pending.clear();
        self.view = None;
        self.made.clear();
        self.is_over = false;
    }
}

impl StepContext {
    /// What the steps of the run share, at this moment, with what this try of the step has changed.
    #[must_use]
    pub fn state(&self) -> Snapshot {
        let base = self.crew().site.tree.shared.snapshot();
        let (seen, rest) = {
            let changes = self.changes();
            let seen = changes.view.as_ref().filter(|view| view.base.is(&base));
            let seen = seen.map(|view| (view.state.clone(), view.count));
            let (state, count) = seen.unwrap_or_else(|| (base.clone(), 0));
            ((state, count), changes.pending[count..].to_vec())
        };
        if rest.is_empty() {
            return seen.0;
        }
        let count = seen.1 + rest.len();
        let state = rest.into_iter().fold(seen.0, |state, (key, value)| {
            // What is refused now makes the step fail when it has ended.
            let changed = state.changed(&key, value, self.reducer(&key));
            changed.unwrap_or(state)
        });
        let view = View {
            base,
            state: state.clone(),
            count,
        };
        let former = self.changes().view.replace(view);
        drop(former);
        state
    }

    /// Changes a value that the steps of the run share. Gives the snapshot with the new value.
    ///
    /// Others see it once the step has completed, before the conditions of the edges out of it are asked. A try that
    /// fails leaves nothing behind. All that a step has changed is there at once.
    ///
    /// # Errors
    ///
    /// [`StateError`] if the step has not declared that it [writes](crate::StepBuilder::writes) the key, if the value
    /// cannot be JSON, if the key's reducer refuses it, or if the step has ended.
    pub fn update(&self, key: &str, value: impl Serialize) -> Result<Snapshot, StateError> {
        let more = &self.crew().graph.inner.steps[self.number() as usize]
            .settings
            .more;
        let mut written = more.iter().flat_map(|more| &more.writes);
        if !written.any(|written| written == key) {
            return Err(StateError::Undeclared {
                step: self.path().to_string(),
                key: key.to_owned(),
            });
        }
        let value = serde_json::to_value(value).map_err(|source| StateError::Value {
            key: key.to_owned(),
            source,
        })?;
        let before = self.state();
        before.changed(key, value.clone(), self.reducer(key))?;
        let mut changes = self.changes();
        if changes.is_over {
            return Err(StateError::Ended {
                step: self.path().to_string(),
            });
        }
        changes.pending.push((key.into(), value));
        drop(changes);
        Ok(self.state())
    }

    /// Another try of the step: what the one before changed is gone.
    pub(crate) fn forget_changes(&self) {
        if self.may_change() {
            let forgotten = std::mem::take(&mut *self.changes());
            drop(forgotten);
        }
    }

    /// The step has failed.
    pub(crate) fn drop_changes(&self) {
        if self.may_change() {
            let dropped = self.end_changes();
            drop(dropped);
        }
    }

    /// The step has completed: lets others see what it changed.
    ///
    /// # Errors
    ///
    /// When a reducer refuses it.
    pub(crate) fn share_changes(&self) -> Result<(), StateError> {
        if !self.may_change() {
            return Ok(());
        }
        let (pending, _view) = self.end_changes();
        if pending.is_empty() {
            return Ok(());
        }
        let shared = &self.crew().site.tree.shared;
        let made = shared.update_all(&pending, |key| self.reducer(key))?;
        if self.recorder().is_some() {
            let made = pending.into_iter().zip(made);
            let made = made.map(|((key, value), state)| self.record_change(key, value, &state));
            self.changes().made = made.collect();
        }
        Ok(())
    }

    /// Nothing is changed any more. Gives what is to be dropped, or shared, while nothing is locked.
    fn end_changes(&self) -> (Vec<(Box<str>, Value)>, Option<View>) {
        let mut changes = self.changes();
        changes.is_over = true;
        (std::mem::take(&mut changes.pending), changes.view.take())
    }

    /// Few steps take the lock.
    fn may_change(&self) -> bool {
        self.more().is_some_and(|more| !more.writes.is_empty())
    }

    fn record_change(&self, key: Box<str>, value: Value, state: &Snapshot) -> Write {
        let crew = self.crew();
        // Who goes on with the run has the reducers of the outermost graph alone.
        let root = crew.site.around().last().unwrap_or(crew);
        let is_reduced =
            self.reducer(&key).is_some() && !root.graph.inner.reducers.contains_key(&*key);
        Write {
            version: state.version(),
            value: match state.get(&key) {
                Some(reduced) if is_reduced => reduced.clone(),
                _ => value,
            },
            key,
            is_reduced,
        }
    }

    /// What makes one value of several: the nearest graph around says it.
    fn reducer(&self, key: &str) -> Option<&Reducer> {
        let crew = self.crew();
        let mut around = [crew].into_iter().chain(crew.site.around());
        around.find_map(|crew| crew.graph.inner.reducers.get(key))
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.changes().made.clone()
    }
}
