#[cfg(all(test, any(loom, shuttle)))]
mod model;

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fascine_concurrency::{GroupHandle, TaskGroup};
use fascine_rt::BoxFuture;
use futures_lite::future;

use crate::checkpoint::{Header, Journaling};
use crate::desk::Desk;
use crate::event::FlowEvents;
use crate::handle::Unheard;
use crate::path::Prefix;
use crate::readers::Readers;
use crate::run_state::RunState;
use crate::suspender::SuspendRequest;
use crate::sync::{Mutex, MutexGuard};
use crate::tree::{Site, Tree};
use crate::worker::Crew;
use crate::{
    Answers, CheckpointError, Flow, FlowReport, Graph, Questions, SharedState, StepHandle, StepKey,
    Suspender,
};

/// A run of a graph: a future that gives the [`FlowReport`].
///
/// It begins when it is first polled. Steps run on the runtime, in parallel, and the next ones start without it.
///
/// # Cancel safety
///
/// Dropping it cancels the steps that are running. To have a report of what was done, cancel it with a
/// [`Canceller`] and go on waiting.
#[must_use = "futures do nothing unless they are awaited"]
pub struct FlowRun {
    flow: Flow,
    graph: Graph,
    readers: Arc<Readers>,
    handles: Unheard,
    shared: SharedState,
    cancel: Arc<Cancel>,
    suspend: Arc<SuspendRequest>,
    desk: Arc<Desk>,
    journaling: Option<Journaling>,
    run: Option<(Arc<Crew>, BoxFuture<FlowReport>)>,
}

impl FlowRun {
    pub(crate) fn new(flow: &Flow, graph: &Graph) -> Self {
        Self {
            flow: flow.clone(),
            graph: graph.clone(),
            readers: Arc::default(),
            handles: Unheard::new(graph, Prefix::None),
            shared: flow.shared_state(),
            cancel: Arc::default(),
            suspend: Arc::default(),
            desk: Arc::default(),
            journaling: flow.checkpoint().map(|(store, run)| {
                let (store, run) = (Arc::clone(store), run.clone());
                Journaling::begin(store, run, graph, &flow.shared_state().snapshot())
            }),
            run: None,
        }
    }

    /// Goes on with a run that was recorded.
    pub(crate) fn go_on(flow: &Flow, graph: &Graph, shared: SharedState, from: Journaling) -> Self {
        let mut this = Self::new(flow, graph);
        this.shared = shared;
        this.journaling = Some(from);
        this
    }

    /// Watches the run from now on, and what its steps run within it.
    pub fn events(&mut self) -> FlowEvents {
        let (events, queue) = FlowEvents::new();
        self.readers.add(queue);
        events
    }

    /// Makes a handle that waits for the end of one step, which may have ended already. `None` if there is no such step.
    pub fn handle(&mut self, step: impl Into<StepKey>) -> Option<StepHandle> {
        let step = self.graph.inner.find(&step.into())?;
        let slot = match &self.run {
            Some((crew, _)) => crew.change(|state| state.handle(step)),
            None => self.handles.slot(step),
        };
        Some(StepHandle::new(&slot))
    }

    /// What the steps of this run share, to be looked at or changed back from outside.
    #[must_use]
    pub fn state(&self) -> SharedState {
        self.shared.clone()
    }

    /// Shows what the steps of the run [ask](crate::GraphBuilder::ask).
    #[must_use]
    pub fn questions(&self) -> Questions {
        Questions::new(&self.desk)
    }

    /// Makes a handle that can answer the questions of the run from anywhere.
    #[must_use]
    pub fn answers(&self) -> Answers {
        Answers::new(&self.graph, &self.desk)
    }

    /// Makes a handle that can suspend the run from anywhere.
    #[must_use]
    pub fn suspender(&self) -> Suspender {
        Suspender::new(&self.suspend)
    }

    /// Makes a handle that can cancel the run from anywhere.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            cancel: Arc::clone(&self.cancel),
        }
    }
}

/// Waits for the workers of a run, until its time is over or somebody cancels it.
async fn run(
    flow: Flow,
    crew: Arc<Crew>,
    group: TaskGroup<(), Infallible>,
    cancel: Arc<Cancel>,
    request: Arc<SuspendRequest>,
    header: Option<Header>,
) -> FlowReport {
    let rt = flow.rt();
    let tree = &crew.site.tree;
    let _among = tree.suspension.enter(&crew);
    let recorder = crew.recorder().cloned();
    let mut writing = pin!(async {
        if let Some(recorder) = &recorder {
            recorder.write(header).await;
        }
    });
    let mut is_written = recorder.is_none();
    let handle = group.handle();
    let abort = || {
        let now = rt.now();
        crew.change(|state| state.abort(now));
        handle.cancel();
    };
    if request.is_there() {
        tree.suspension.suspend(&tree.desk);
    }
    let mut was_cancelled = cancel.is_asked();
    if was_cancelled {
        abort();
    } else {
        crew.change(|state| state.begin(None));
    }
    let mut timed_out = false;
    let mut time = pin!(async {
        match flow.timeout() {
            Some(timeout) => rt.sleep(timeout).await,
            None => pending().await,
        }
    });
    let mut suspending = pin!(suspend(&crew, &request, &handle));
    let mut joined = pin!(async {
        poll_fn(|cx| crew.poll_end(cx)).await;
        // How the workers ended is in the state; the group itself ends early only with the scope it is in.
        let _ = group.join().await;
    });
    // Dropped first: before the workers are, and tell of it.
    let _guard = AbortOnDrop(&crew);
    poll_fn(|cx| {
        is_written = is_written || writing.as_mut().poll(cx).is_ready();
        if !was_cancelled && cancel.is_asked_or_register(cx.waker()) {
            was_cancelled = true;
            abort();
        }
        let _: Poll<Infallible> = suspending.as_mut().poll(cx);
        let joining = joined.as_mut().poll(cx);
        if joining.is_pending() && !was_cancelled && time.as_mut().poll(cx).is_ready() {
            (was_cancelled, timed_out) = (true, true);
            abort();
            return joined.as_mut().poll(cx);
        }
        joining
    })
    .await;
    if let Some(recorder) = &recorder {
        recorder.close();
        let written = async {
            if !is_written {
                writing.as_mut().await;
            }
        };
        let late = async {
            rt.sleep(PATIENCE).await;
            recorder.fail(CheckpointError::Late);
        };
        future::or(written, late).await;
    }
    let now = rt.now();
    let mut report = crew.change(|state| {
        state.close(now);
        state.report(now)
    });
    if report.suspended {
        report.questions = tree.desk.questions();
    }
    tree.desk.end(report.suspended);
    report.timed_out = timed_out;
    report.checkpoint_error = recorder.as_ref().and_then(|recorder| recorder.failed());
    report
}

/// How long a store may take to write the last records, once no step runs any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Suspends the run when that is asked for, and cancels what takes longer than it may then.
async fn suspend(crew: &Arc<Crew>, request: &SuspendRequest, group: &GroupHandle) -> Infallible {
    let mut grace = poll_fn(|cx| request.poll_take(cx)).await;
    let tree = &crew.site.tree;
    tree.suspension.suspend(&tree.desk);
    loop {
        let time = async {
            crew.rt.sleep(grace).await;
            None
        };
        let another = async { Some(poll_fn(|cx| request.poll_take(cx)).await) };
        match future::or(another, time).await {
            Some(another) => grace = another,
            None => break,
        }
    }
    group.cancel();
    pending().await
}

/// Tells those who wait for steps that have not begun, when the run is dropped.
struct AbortOnDrop<'a>(&'a Arc<Crew>);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        let now = self.0.rt.now();
        self.0.change(|state| state.abort(now));
    }
}

impl Future for FlowRun {
    type Output = FlowReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FlowReport> {
        let this = self.get_mut();
        let run = match &mut this.run {
            Some((_, run)) => run,
            None => {
                let group = TaskGroup::new(this.flow.rt()).supervised().discarding();
                let begun = this.flow.rt().now();
                let readers = Arc::clone(&this.readers);
                let (mut header, mut recorder) = (None, None);
                if let Some(journaling) = this.journaling.take() {
                    header = journaling.header;
                    recorder = Some(journaling.recorder);
                }
                let (shared, bounds) = (this.shared.clone(), this.flow.bounds());
                let desk = Arc::clone(&this.desk);
                let tree = Tree::new(shared, begun, readers, desk, bounds, recorder);
                let (site, handles) = (Site::root(tree), this.handles.take());
                let crew = Crew::new(this.flow.rt(), &this.graph, &site, handles, &group);
                let (cancel, suspend) = (Arc::clone(&this.cancel), Arc::clone(&this.suspend));
                let flow = this.flow.clone();
                let run = run(flow, Arc::clone(&crew), group, cancel, suspend, header);
                &mut this.run.insert((crew, Box::pin(run))).1
            }
        };
        let report = run.as_mut().poll(cx);
        if report.is_ready() {
            this.readers.end();
        }
        report
    }
}

impl Drop for FlowRun {
    fn drop(&mut self) {
        if let Some((crew, run)) = self.run.take() {
            drop(run);
            crew.change(RunState::clear);
        }
        self.readers.end();
        self.desk.end(false);
    }
}

impl fmt::Debug for FlowRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowRun")
            .field("graph", &self.graph)
            .field("has_begun", &self.run.is_some())
            .finish_non_exhaustive()
    }
}

/// Cancels a [`FlowRun`]: running steps are dropped at their next await, the others never begin, and the run gives its
/// report as soon as the last of them is gone.
#[derive(Clone, Debug)]
pub struct Canceller {
    cancel: Arc<Cancel>,
}

impl Canceller {
    /// Cancels the run. Doing it twice, or after the end, does nothing.
    pub fn cancel(&self) {
        let waker = {
            let mut state = self.cancel.lock();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Whether the run is to be cancelled, and whom to tell.
#[derive(Debug, Default)]
struct Cancel {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Cancel {
    fn is_asked(&self) -> bool {
        self.lock().0
    }

    fn is_asked_or_register(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        let replaced = if state.0 {
            None
        } else {
            state.1.replace(waker.clone())
        };
        let asked = state.0;
        drop(state);
        drop(replaced);
        asked
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Option<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
