use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::known::Known;
use super::restore::Restored;
use super::{Checkpoint, CheckpointError, Done, Failure, Header, Record, RecordedResult, RunId};
use crate::decide::{Decisions, Progress};
use crate::edge_state::Decision;
use crate::path::Prefix;
use crate::{Graph, Output, StepContext, StepError};

/// Writes the journal of a run. Workers hand records in, and wait until they are safe; the run itself writes them, as
/// many at once as are there. So no record is lost when a worker is dropped.
#[derive(Debug)]
pub(crate) struct Recorder {
    store: Arc<dyn Checkpoint>,
    run: RunId,
    /// What an earlier run has left: each step takes its own once.
    restored: Mutex<Restored>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting: Vec<Record>,
    /// The number of the next record that is handed in, and of the first one that is not safe.
    next: u64,
    safe: u64,
    failed: Option<Arc<CheckpointError>>,
    /// How many steps were started and have no end.
    running: u64,
    is_closing: bool,
    writer: Option<Waker>,
    waiters: Vec<(u64, Waker)>,
}

impl Recorder {
    /// Of a journal that has so many records.
    pub(crate) fn new(
        store: Arc<dyn Checkpoint>,
        run: RunId,
        records: u64,
        restored: Restored,
    ) -> Self {
        Self {
            store,
            run,
            restored: Mutex::new(restored),
            state: Mutex::new(State {
                waiting: Vec::new(),
                next: records,
                safe: records,
                failed: None,
                running: 0,
                is_closing: false,
                writer: None,
                waiters: Vec::new(),
            }),
        }
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// What is known of the steps of a graph that is there.
    pub(crate) fn known(&self, graph: &Graph, prefix: &Prefix) -> Known {
        let mut restored = self.restored.lock().unwrap_or_else(PoisonError::into_inner);
        restored.known(graph, prefix)
    }

    /// Records which graph a step runs. Returns whether it is the one that it ran in an earlier run, if it did.
    pub(crate) fn accepts(&self, path: &Arc<str>, graph: &Graph) -> bool {
        let before = {
            let restored = self.restored.lock();
            let restored = restored.unwrap_or_else(PoisonError::into_inner);
            restored.nested(path)
        };
        let now = graph.fingerprint();
        if before.is_none() {
            self.push(Record::Nested {
                step: (**path).into(),
                graph: now,
            });
        }
        before.is_none_or(|before| before == now)
    }

    pub(crate) fn failed(&self) -> Option<Arc<CheckpointError>> {
        self.lock().failed.clone()
    }

    /// Hands a record in. Gives its number.
    pub(crate) fn push(&self, record: Record) -> u64 {
        let mut state = self.lock();
        let number = state.next;
        if state.failed.is_none() && !state.is_closing {
            match &record {
                Record::Started { .. } => state.running += 1,
                Record::Done(done) if done.started.is_some() => state.running -= 1,
                Record::Rerun { .. } => state.running = state.running.saturating_sub(1),
                _ => {}
            }
            state.waiting.push(record);
            state.next += 1;
        }
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        number
    }

    /// Records that a step is about to begin. Gives the number of the record.
    ///
    /// # Errors
    ///
    /// When it is not recorded: then it may not begin.
    pub(crate) async fn start(&self, context: &StepContext) -> Result<u64, Arc<CheckpointError>> {
        let number = self.push(Record::Started {
            step: (*context.path()).into(),
            idempotent: context.is_idempotent(),
        });
        self.is_safe(number).await?;
        Ok(number)
    }

    /// Records how a step ended.
    ///
    /// # Errors
    ///
    /// When it is not recorded: then nothing behind it may begin.
    pub(crate) async fn end(
        &self,
        started: Option<u64>,
        context: &StepContext,
        result: &Result<Output, StepError>,
        decisions: Option<&Decisions>,
    ) -> Result<(), Arc<CheckpointError>> {
        match done(started, context, result, decisions) {
            Ok(done) => self.is_safe(self.push(done)).await,
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Records how a step ended whose worker is being dropped.
    pub(crate) fn end_undecided(
        &self,
        started: Option<u64>,
        context: &StepContext,
        result: &Result<Output, StepError>,
    ) {
        match done(started, context, result, None) {
            Ok(done) => {
                self.push(done);
            }
            Err(error) => {
                self.fail(error);
            }
        }
    }

    /// Records that a step which was about to begin did not.
    pub(crate) fn forget(&self, context: &StepContext) {
        self.push(Record::Rerun {
            step: (*context.path()).into(),
        });
    }

    async fn is_safe(&self, number: u64) -> Result<(), Arc<CheckpointError>> {
        poll_fn(|cx| self.poll_safe(number, cx)).await
    }

    fn poll_safe(
        &self,
        number: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Arc<CheckpointError>>> {
        let mut state = self.lock();
        if number < state.safe {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = &state.failed {
            return Poll::Ready(Err(Arc::clone(error)));
        }
        let waker = cx.waker().clone();
        let waiters = &mut state.waiters;
        let replaced = match waiters.iter_mut().find(|(other, _)| *other == number) {
            Some((_, old)) => Some(std::mem::replace(old, waker)),
            None => {
                waiters.push((number, waker));
                None
            }
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Nothing more comes: the writer ends when it has written what is there. If steps were dropped, it says so.
    pub(crate) fn close(&self) {
        if self.lock().running > 0 {
            self.push(Record::Closed {});
        }
        let mut state = self.lock();
        state.is_closing = true;
        let writer = state.writer.take();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// Writes what is handed in, until it is closed or cannot write. A header begins the journal.
    pub(crate) async fn write(&self, header: Option<Header>) {
        if let Some(header) = header {
            let begun = self.store.begin(self.run.clone(), header, Vec::new());
            if let Err(error) = begun.await {
                self.fail(error);
                return;
            }
        }
        while let Some((at, records)) = poll_fn(|cx| self.poll_batch(cx)).await {
            let end = at + records.len() as u64;
            match self.store.append(self.run.clone(), at, records).await {
                Ok(()) => self.saved(end),
                Err(error) => {
                    self.fail(error);
                    return;
                }
            }
        }
    }

    fn poll_batch(&self, cx: &mut Context<'_>) -> Poll<Option<(u64, Vec<Record>)>> {
        let mut state = self.lock();
        if !state.waiting.is_empty() {
            let records = std::mem::take(&mut state.waiting);
            return Poll::Ready(Some((state.safe, records)));
        }
        if state.is_closing {
            return Poll::Ready(None);
        }
        let replaced = state.writer.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    fn saved(&self, end: u64) {
        let mut state = self.lock();
        state.safe = end;
        let waiters = std::mem::take(&mut state.waiters);
        let (safe, waiting) = waiters.into_iter().partition(|(number, _)| *number < end);
        state.waiters = waiting;
        drop(state);
        wake(safe);
    }

    /// Nothing more can be recorded. The first error counts.
    pub(crate) fn fail(&self, error: CheckpointError) -> Arc<CheckpointError> {
        let mut state = self.lock();
        let failed = state.failed.get_or_insert_with(|| Arc::new(error));
        let failed = Arc::clone(failed);
        let lost = std::mem::take(&mut state.waiting);
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        drop(lost);
        wake(waiters);
        failed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waiters: Vec<(u64, Waker)>) {
    waiters.into_iter().for_each(|(_, waker)| waker.wake());
}

fn done(
    started: Option<u64>,
    context: &StepContext,
    result: &Result<Output, StepError>,
    decisions: Option<&Decisions>,
) -> Result<Record, CheckpointError> {
    let step = context.path();
    let is_open = result.is_err() && !context.handles_failure();
    let result = match result {
        Ok(output) => {
            RecordedResult::Output(output.to_text().map_err(|source| CheckpointError::Encode {
                step: step.to_string(),
                source,
            })?)
        }
        Err(error) => RecordedResult::Failure(Failure::of(error)),
    };
    Ok(Record::Done(Box::new(Done {
        step: (*step).into(),
        started,
        attempts: context.attempt(),
        result,
        decisions: decisions.and_then(taken),
        writes: context.writes(),
        is_open,
        is_idempotent: context.is_idempotent(),
    })))
}

/// What the conditions said; nothing if one of them could not say it.
fn taken(decisions: &Decisions) -> Option<Vec<Vec<bool>>> {
    if decisions.is_empty() {
        return Some(Vec::new());
    }
    let own = std::iter::once(&decisions.own);
    let taken = own.chain(&decisions.rescued).map(|edges| {
        let edges = edges.iter().map(|decision| match decision {
            Decision::Live => Some(true),
            Decision::Dead => Some(false),
            Decision::Broken(_) => None,
        });
        edges.collect()
    });
    taken.collect()
}

impl Decisions {
    /// As they were recorded.
    pub(crate) fn recorded(taken: &[Vec<bool>]) -> Self {
        let edges = |taken: &Vec<bool>| {
            let edges = taken.iter().map(|is_live| match is_live {
                true => Decision::Live,
                false => Decision::Dead,
            });
            edges.collect()
        };
        Self {
            own: taken.first().map(edges).unwrap_or_default(),
            rescued: taken.iter().skip(1).map(edges).collect(),
            progress: Progress::Answered,
        }
    }
}
