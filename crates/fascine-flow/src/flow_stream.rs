use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::{
    Answers, Canceller, FlowEvent, FlowEvents, FlowReport, FlowRun, Questions, SharedState,
    StepHandle, StepKey, Suspender,
};

/// A run as a stream of its events, and those of what its steps run. It ends with the run, and then has its report.
///
/// It begins when it is first polled. Steps run on the runtime and do not wait for whoever reads: it holds a thousand
/// events, the oldest go if more come, and [`missed`](Self::missed) counts them. That the time of the
/// [`Flow`](crate::Flow) is over is noticed by whoever polls it.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder, Status};
/// use futures_lite::StreamExt;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.step("load", |_| async { Ok(3) });
/// let mut stream = Flow::new(&rt).stream(&graph.build().unwrap());
/// let mut told = Vec::new();
/// while let Some(event) = stream.next().await {
///     told.push((event.step.to_string(), event.status));
/// }
/// let load = "load".to_owned();
/// assert_eq!(told, [(load.clone(), Status::Processing), (load, Status::Completed)]);
/// assert!(stream.finish().await.is_success());
/// # });
/// ```
///
/// # Cancel safety
///
/// Dropping it cancels the steps that are running. No event is lost by dropping a future that waits for one.
#[must_use = "streams do nothing unless they are polled"]
pub struct FlowStream {
    run: FlowRun,
    events: FlowEvents,
    report: Option<FlowReport>,
}

impl FlowStream {
    pub(crate) fn new(mut run: FlowRun) -> Self {
        Self {
            events: run.events(),
            run,
            report: None,
        }
    }

    /// Runs the rest of the graph, and gives the report. The events that were not read are lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn finish(mut self) -> FlowReport {
        match self.report.take() {
            Some(report) => report,
            None => (&mut self.run).await,
        }
    }

    /// The report, once the run has ended.
    #[must_use]
    pub fn report(&self) -> Option<&FlowReport> {
        self.report.as_ref()
    }

    /// How many events were lost because nobody read them in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.events.missed()
    }

    /// What the steps of the run share.
    #[must_use]
    pub fn state(&self) -> SharedState {
        self.run.state()
    }

    /// Shows what the steps of the run [ask](crate::GraphBuilder::ask).
    #[must_use]
    pub fn questions(&self) -> Questions {
        self.run.questions()
    }

    /// Makes a handle that can answer the questions of the run from anywhere.
    #[must_use]
    pub fn answers(&self) -> Answers {
        self.run.answers()
    }

    /// Makes a handle that waits for the end of one step: see [`FlowRun::handle`].
    pub fn handle(&mut self, step: impl Into<StepKey>) -> Option<StepHandle> {
        self.run.handle(step)
    }

    /// Makes a handle that can suspend the run from anywhere: the stream ends with the last of its events, and has the
    /// report.
    #[must_use]
    pub fn suspender(&self) -> Suspender {
        self.run.suspender()
    }

    /// Makes a handle that can cancel the run from anywhere: the stream ends with the last of its events, and has the
    /// report.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.run.canceller()
    }
}

impl Stream for FlowStream {
    type Item = FlowEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FlowEvent>> {
        let this = self.get_mut();
        if this.report.is_none()
            && let Poll::Ready(report) = Pin::new(&mut this.run).poll(cx)
        {
            this.report = Some(report);
        }
        Pin::new(&mut this.events).poll_next(cx)
    }
}

impl fmt::Debug for FlowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowStream")
            .field("run", &self.run)
            .field("has_ended", &self.report.is_some())
            .finish_non_exhaustive()
    }
}
