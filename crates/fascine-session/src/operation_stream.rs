use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_flow::{Canceller, FlowEvent, FlowReport, FlowStream, StepError, StepReport};
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
pub struct OperationStream(FlowStream);

impl OperationStream {
    pub(crate) fn new(stream: FlowStream) -> Self {
        Self(stream)
    }

    /// Runs the rest of the operations, and gives the report. The events that were not read are lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the operations that are running.
    pub async fn finish(self) -> FlowReport {
        self.0.finish().await
    }

    /// The report, once the run has ended.
    #[must_use]
    pub fn report(&self) -> Option<&FlowReport> {
        self.0.report()
    }

    /// How many events were lost because nobody read them in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.0.missed()
    }

    /// Makes a handle that can cancel the run from anywhere: see [`FlowStream::canceller`].
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.0.canceller()
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
                .and_then(OperationOutput::read),
            error: step.and_then(|step| step.error),
            event,
        }
    }

    /// What came of a step that has ended.
    fn step(&mut self, path: &str, cx: &mut Context<'_>) -> Option<StepReport> {
        if let Some(report) = self.0.report() {
            return report.step(path).cloned();
        }
        let mut handle = self.0.handle(name_at(path)?)?;
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
        let event = ready!(Pin::new(&mut this.0).poll_next(cx));
        Poll::Ready(event.map(|event| this.tell(event, cx)))
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
        f.debug_tuple("OperationStream").field(&self.0).finish()
    }
}
