use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rpds::RedBlackTreeMapSync;
use serde_json::Value;

use crate::{StateError, StepResult};

/// Makes one value of what is there and what is to be added. It has no effects, as it may be called more than once.
pub(crate) type Reducer = Arc<dyn Fn(Option<&Value>, Value) -> StepResult<Value> + Send + Sync>;

/// The shared state at one moment: values by their keys. It never changes; a clone is the same snapshot.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Arc<Version>);

#[derive(Debug, Default)]
struct Version {
    number: u64,
    values: Values,
}

/// Versions have most of it in common, so that a change costs as much among many keys as among few.
type Values = RedBlackTreeMapSync<Arc<str>, Arc<Value>>;

impl Snapshot {
    /// Begins with these values.
    pub fn new(values: impl IntoIterator<Item = (impl Into<Arc<str>>, Value)>) -> Self {
        let values = values.into_iter();
        let values = values.map(|(key, value)| (key.into(), Arc::new(value)));
        Self(Arc::new(Version {
            number: 0,
            values: values.collect(),
        }))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.values.get(key).map(|value| &**value)
    }

    /// How many changes came before it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.number
    }

    /// All keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let values = self.0.values.iter();
        values.map(|(key, value)| (&**key, &**value))
    }

    /// Returns whether it is the same snapshot, not only an equal one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// With one more change.
    ///
    /// # Errors
    ///
    /// When the reducer refuses it.
    pub(crate) fn changed(
        &self,
        key: &str,
        value: Value,
        reducer: Option<&Reducer>,
    ) -> Result<Self, StateError> {
        let Some(reducer) = reducer else {
            return Ok(self.with(key, value));
        };
        let reduced = reducer(self.get(key), value).map_err(|source| StateError::Reducer {
            key: key.to_owned(),
            source,
        })?;
        Ok(self.with(key, reduced))
    }

    fn with(&self, key: &str, value: Value) -> Self {
        self.followed_by(self.0.values.insert(key.into(), Arc::new(value)))
    }

    fn followed_by(&self, values: Values) -> Self {
        Self(Arc::new(Version {
            number: self.0.number + 1,
            values,
        }))
    }
}

/// What the steps of one run share: the present [`Snapshot`] and the last ones before it. A clone is the same state.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder};
/// use serde_json::{Value, json};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.reducer("tokens", |before, new| {
///     json!(before.and_then(Value::as_u64).unwrap_or(0) + new.as_u64().unwrap_or(0))
/// });
/// for (name, tokens) in [("one", 10), ("two", 20)] {
///     let step = graph.step(name, move |context| async move {
///         context.update("tokens", tokens)?;
///         Ok(())
///     });
///     step.writes("tokens");
/// }
/// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
/// assert_eq!(report.state.get("tokens"), Some(&json!(30)));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct SharedState(Arc<Mutex<History>>);

#[derive(Debug)]
struct History {
    present: Snapshot,
    past: VecDeque<Snapshot>,
    kept: usize,
}

impl SharedState {
    pub(crate) fn new(begin: Snapshot, kept: NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(History {
            present: begin,
            past: VecDeque::new(),
            kept: kept.get(),
        })))
    }

    /// What is there now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().present.clone()
    }

    /// The last snapshots, the present one at the end.
    #[must_use]
    pub fn history(&self) -> Vec<Snapshot> {
        let history = self.lock();
        let past = history.past.iter();
        past.chain([&history.present]).cloned().collect()
    }

    /// Makes the values what they were at an earlier version. That is a change like others: it can be taken back.
    ///
    /// # Errors
    ///
    /// [`StateError::UnknownVersion`] if that version is no longer kept, or never was.
    pub fn rollback(&self, version: u64) -> Result<Snapshot, StateError> {
        let mut history = self.lock();
        let values = {
            let mut kept = history.past.iter().chain([&history.present]);
            let found = kept.find(|snapshot| snapshot.version() == version);
            let found = found.ok_or(StateError::UnknownVersion { version })?;
            found.0.values.clone()
        };
        let next = history.present.followed_by(values);
        let gone = history.put(next.clone());
        drop(history);
        drop(gone);
        Ok(next)
    }

    /// Makes changes, one after the other, which others see at once. Gives what was there after each. The reducers are
    /// called while nothing is locked, and again if others were faster.
    ///
    /// # Errors
    ///
    /// When a reducer refuses a change: then none is made.
    pub(crate) fn update_all<'a>(
        &self,
        changes: &[(Box<str>, Value)],
        reducer: impl Fn(&str) -> Option<&'a Reducer>,
    ) -> Result<Vec<Snapshot>, StateError> {
        let mut before = self.snapshot();
        loop {
            let mut made: Vec<Snapshot> = Vec::with_capacity(changes.len());
            for (key, value) in changes {
                let last = made.last().unwrap_or(&before);
                made.push(last.changed(key, value.clone(), reducer(key))?);
            }
            let mut history = self.lock();
            if history.present.is(&before) {
                let gone: Vec<_> = made.iter().map(|next| history.put(next.clone())).collect();
                drop(history);
                drop(gone);
                return Ok(made);
            }
            before = history.present.clone();
        }
    }

    /// Makes a change of an earlier run again, as the version that it had.
    pub(crate) fn restore(
        &self,
        version: u64,
        key: &str,
        value: Value,
        reducer: Option<&Reducer>,
    ) -> StepResult<()> {
        let before = self.snapshot();
        let reduced = match reducer {
            Some(reducer) => reducer(before.get(key), value)?,
            None => value,
        };
        let values = before.0.values.insert(key.into(), Arc::new(reduced));
        let next = Snapshot(Arc::new(Version {
            number: version,
            values,
        }));
        let gone = self.lock().put(next);
        drop(gone);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// Returns what is no longer kept: it is dropped once nothing is locked.
    fn put(&mut self, next: Snapshot) -> Option<Snapshot> {
        let before = std::mem::replace(&mut self.present, next);
        self.past.push_back(before);
        if self.past.len() >= self.kept {
            return self.past.pop_front();
        }
        None
    }
}
