use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use fascine_concurrency::CompletionStream;
use fascine_rt::{Rt, Task};

use crate::event::{FlowEvents, Queue};
use crate::run_state::RunState;
use crate::step::StepResult;
use crate::{FlowReport, Graph};

/// A run of a graph: a future that gives the [`FlowReport`].
///
/// Steps run on the runtime, in parallel; a next one starts, and conditions are asked, only while the run is awaited.
///
/// # Cancel safety
///
/// Dropping it cancels the steps that are running. To have a report of what was done, cancel it with a
/// [`Canceller`] and go on waiting.
#[must_use = "futures do nothing unless they are awaited"]
pub struct FlowRun {
    rt: Rt,
    max_concurrent: usize,
    graph: Graph,
    /// Made at the first poll, when time begins to count.
    state: Option<RunState>,
    running: CompletionStream<Task<StepResult>>,
    /// The step behind each number of `running`.
    numbers: HashMap<usize, usize>,
    readers: Vec<Arc<Queue>>,
    cancel: Arc<Cancel>,
    aborted: bool,
}

impl FlowRun {
    pub(crate) fn new(rt: Rt, max_concurrent: usize, graph: &Graph) -> Self {
        Self {
            rt,
            max_concurrent,
            graph: graph.clone(),
            state: None,
            running: CompletionStream::new(),
            numbers: HashMap::new(),
            readers: Vec::new(),
            cancel: Arc::default(),
            aborted: false,
        }
    }

    /// Watches the run. What happened before this call is not in it.
    pub fn events(&mut self) -> FlowEvents {
        let (events, queue) = FlowEvents::new();
        self.readers.push(queue);
        events
    }

    /// Makes a handle that can cancel the run from anywhere.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            cancel: Arc::clone(&self.cancel),
        }
    }

    fn start_steps(&mut self) {
        while self.running.len() < self.max_concurrent {
            let now = self.rt.now();
            let Some(state) = &mut self.state else { return };
            let Some((step, context)) = state.start_next(now) else {
                return;
            };
            let run = Arc::clone(&self.graph.inner.steps[step].run);
            // The function itself may panic before there is a future: that is for its task to report.
            let task = self.rt.spawn(async move { run(context).await });
            self.numbers.insert(self.running.push(task), step);
        }
    }
}

impl Future for FlowRun {
    type Output = FlowReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FlowReport> {
        let this = self.get_mut();
        if this.state.is_none() {
            this.state = Some(RunState::new(
                &this.graph,
                this.rt.now(),
                this.readers.clone(),
            ));
        }
        loop {
            if !this.aborted && this.cancel.is_asked_or_register(cx.waker()) {
                this.aborted = true;
                this.running.iter().for_each(Task::cancel);
                let now = this.rt.now();
                this.state.iter_mut().for_each(|state| state.abort(now));
            }
            this.start_steps();
            let ended = match this.running.poll_next(cx) {
                Poll::Ready(ended) => ended,
                Poll::Pending => return Poll::Pending,
            };
            let now = this.rt.now();
            let state = this.state.as_mut().expect("it was made above");
            match ended {
                Some((number, ended)) => {
                    if let Some(step) = this.numbers.remove(&number) {
                        state.end(step, ended, now);
                    }
                }
                None => {
                    let report = state.report(now);
                    this.readers.iter().for_each(|reader| reader.end());
                    return Poll::Ready(report);
                }
            }
        }
    }
}

impl Drop for FlowRun {
    fn drop(&mut self) {
        self.readers.iter().for_each(|reader| reader.end());
    }
}

impl fmt::Debug for FlowRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowRun")
            .field("graph", &self.graph)
            .field("running", &self.running.len())
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
            let mut state = self
                .cancel
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
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
    fn is_asked_or_register(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
}
