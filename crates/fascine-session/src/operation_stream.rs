use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_flow::{Canceller, FlowEvent, FlowEvents, FlowReport, FlowRun, StepError, StepReport};
use futures_core::Stream;

use crate::OperationOutput;

/// Something happened to an operation of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationEvent {
    /// What happened, to whom, and when.
    pub event: FlowEvent,
    /// What the operation gave, if it has just completed. Operations that others run tell it in the report alone.
    pub output: Option<OperationOutput>,
    /// Why it failed, if it has just failed.
    pub error: Option<Arc<StepError>>,
}

/// A run of operations as a stream of what happens, with what they give: see
/// [`flow_stream`](crate::Session::flow_stream). It ends with the run, and then has its report.
///
/// It begins when it is first polled. Operations do not wait for whoever reads: it holds a thousand events, the oldest go if
/// more come, and [`missed`](Self::missed) counts them.
///
/// # Cancel safety
///
/// Dropping it cancels the operations that are running. No event is lost by dropping a future that waits for one.
#[must_use = "streams do nothing unless they are polled"]
pub struct OperationStream {
    run: FlowRun,
    events: FlowEvents,
    report: Option<FlowReport>,
}

impl OperationStream {
    pub(crate) fn new(mut run: FlowRun) -> Self {
        Self {
            events: run.events(),
            run,
            report: None,
        }
    }

    /// Runs the rest of the operations, and gives the report. The events that were not read are lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the operations that are running.
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

    /// Makes a handle that can cancel the run from anywhere: the stream ends with the last of its events, and has the
    /// report.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.run.canceller()
    }

    fn tell(&mut self, event: FlowEvent, cx: &mut Context<'_>) -> OperationEvent {
        let step = match event.status.is_final() {
            true => self.step(&event.step, cx),
            false => None,
        };
        OperationEvent {
            output: step
                .as_ref()
                .and_then(|step| step.output.as_ref())
                .map(OperationOutput::from),
            error: step.and_then(|step| step.error),
            event,
        }
    }

    /// What came of a step that has ended.
    fn step(&mut self, path: &str, cx: &mut Context<'_>) -> Option<StepReport> {
        if let Some(report) = &self.report {
            return report.step(path).cloned();
        }
        let mut handle = self.run.handle(name_at(path)?)?;
        match Pin::new(&mut handle).poll(cx) {
            Poll::Ready(step) => Some(step),
            Poll::Pending => None,
        }
    }
}

impl Stream for OperationStream {
    type Item = OperationEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OperationEvent>> {
        let this = self.get_mut();
        if this.report.is_none()
            && let Poll::Ready(report) = Pin::new(&mut this.run).poll(cx)
        {
            this.report = Some(report);
        }
        match Pin::new(&mut this.events).poll_next(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(this.tell(event, cx))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The name of the step at a path; none if another step runs it.
fn name_at(path: &str) -> Option<String> {
    let mut name = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '/' | '[' => return None,
            '\\' => name.extend(characters.next()),
            character => name.push(character),
        }
    }
    Some(name)
}

impl fmt::Debug for OperationStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationStream")
            .field("run", &self.run)
            .field("has_ended", &self.report.is_some())
            .finish_non_exhaustive()
    }
}
