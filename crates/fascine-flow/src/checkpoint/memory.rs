use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_rt::BoxFuture;

use super::{Checkpoint, CheckpointError, Entry, Header, Journal, Record, RunId};

/// Journals in memory: they survive the run, but not the process. A clone is the same store.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder, MemoryCheckpoint, RunId, StepRecord};
/// use fascine_flow::Checkpoint;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.step("load", |_| async { Ok(3) });
/// let (store, run) = (MemoryCheckpoint::new(), RunId::new("monday")?);
/// let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
/// flow.run(&graph.build()?).await.assert_completed()?;
///
/// let journal = store.load(run).await?;
/// assert!(matches!(journal.step("load"), StepRecord::Done(done) if done.json() == Some(3.into())));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryCheckpoint {
    journals: Arc<Mutex<Journals>>,
}

type Journals = BTreeMap<RunId, (Header, Vec<Record>)>;

impl MemoryCheckpoint {
    /// Begins with no journals.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Journals> {
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpoint for MemoryCheckpoint {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let this = self.clone();
        Box::pin(async move {
            let mut journals = this.lock();
            if journals.contains_key(&run) {
                return Err(CheckpointError::Exists { run });
            }
            journals.insert(run, (header, records));
            Ok(())
        })
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let this = self.clone();
        Box::pin(async move {
            match this.lock().get_mut(&run) {
                None => Err(CheckpointError::UnknownRun { run }),
                Some((_, journal)) if journal.len() as u64 != at => {
                    Err(CheckpointError::Conflict { run, at })
                }
                Some((_, journal)) => {
                    journal.extend(records);
                    Ok(())
                }
            }
        })
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        let this = self.clone();
        Box::pin(async move {
            let found = this.lock().get(&run).cloned();
            let Some((header, records)) = found else {
                return Err(CheckpointError::UnknownRun { run });
            };
            let entries = (0..).zip(records);
            let entries = entries.map(|(sequence, record)| Entry::new(sequence, record));
            Journal::new(run, header, entries.collect())
        })
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        let this = self.clone();
        Box::pin(async move { Ok(this.lock().keys().cloned().collect()) })
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        let this = self.clone();
        Box::pin(async move {
            let removed = this.lock().remove(&run);
            drop(removed);
            Ok(())
        })
    }
}
