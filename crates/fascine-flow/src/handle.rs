use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::path::Prefix;
use crate::run_state::Handles;
use crate::sync::{Mutex, MutexGuard};
use crate::{Graph, StepReport};

/// Waits for the end of one step of a run, with what it gave. It always comes to an end: with the step, with the run, or
/// when the run is dropped. A clone waits for the same step.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.step("quick", |_| async { Ok("first".to_owned()) });
/// graph.step("endless", |_| std::future::pending::<fascine_flow::StepResult<()>>());
/// let mut run = Flow::new(&rt).start(&graph.build().unwrap());
/// let quick = run.handle("quick").unwrap();
/// let running = rt.spawn(run);
/// let report = quick.await;
/// assert_eq!(report.assert_completed().unwrap().json(), Some("first".into()));
/// drop(running);
/// # });
/// ```
///
/// # Cancel safety
///
/// Nothing is lost: it gives the same report as often as it is awaited, by clones or by `&mut`.
#[must_use = "futures do nothing unless they are awaited"]
pub struct StepHandle {
    slot: Arc<Slot>,
    /// Its place among those who wait, once it waits.
    place: Option<usize>,
}

impl StepHandle {
    pub(crate) fn new(slot: &Arc<Slot>) -> Self {
        Self {
            slot: Arc::clone(slot),
            place: None,
        }
    }

    /// Returns whether the step has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.slot.lock().report.is_some()
    }
}

impl Clone for StepHandle {
    fn clone(&self) -> Self {
        Self::new(&self.slot)
    }
}

impl Future for StepHandle {
    type Output = StepReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepReport> {
        let this = self.get_mut();
        let mut state = this.slot.lock();
        if let Some(report) = &state.report {
            return Poll::Ready(report.clone());
        }
        let waker = cx.waker().clone();
        let replaced = match this.place {
            Some(place) => state
                .waiting
                .get_mut(place)
                .and_then(|old| old.replace(waker)),
            None => {
                this.place = Some(state.waiting.len());
                state.waiting.push(Some(waker));
                None
            }
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl fmt::Debug for StepHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// Where the report of a step is left for those who wait for it.
#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    report: Option<StepReport>,
    waiting: Vec<Option<Waker>>,
}

impl Slot {
    /// Leaves the report, unless there is one. Who waits is to be woken once nothing is locked.
    pub(crate) fn fill(&self, report: impl FnOnce() -> StepReport) -> Vec<Waker> {
        let mut state = self.lock();
        state.report.get_or_insert_with(report);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().flatten().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handles of a run that has not begun. If it never does, its steps count as aborted.
pub(crate) struct Unheard {
    graph: Graph,
    prefix: Prefix,
    handles: Handles,
}

impl Unheard {
    pub(crate) fn new(graph: &Graph, prefix: Prefix) -> Self {
        Self {
            graph: graph.clone(),
            prefix,
            handles: Handles::new(),
        }
    }

    pub(crate) fn slot(&mut self, step: u32) -> Arc<Slot> {
        Arc::clone(self.handles.entry(step).or_default())
    }

    /// For the run, which begins.
    pub(crate) fn take(&mut self) -> Handles {
        std::mem::take(&mut self.handles)
    }

    /// The same, for somebody else to look after.
    pub(crate) fn move_out(&mut self) -> Self {
        Self {
            graph: self.graph.clone(),
            prefix: self.prefix.clone(),
            handles: self.take(),
        }
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        for (step, slot) in self.take() {
            let name = &self.graph.inner.steps[step as usize].name;
            let path = self.prefix.path(name);
            let wakers = slot.fill(|| StepReport::aborted(Arc::clone(name).into(), path));
            wakers.into_iter().for_each(Waker::wake);
        }
    }
}
