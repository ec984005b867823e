use std::sync::Arc;

use fascine_resilience::{Hedge, Idempotent};
use fascine_rt::BoxFuture;

use crate::begun::begun;
use crate::{ChunkStream, Model, ModelError, Request, Response};

/// A model that is asked once more when it is slow; the first answer counts.
///
/// Of a stream, the first that has something to show is taken: text, thoughts, a tool call. Every other call has been
/// dropped, and so aborted, when the answer is given. The provider charges for what it did by then.
///
/// Asking twice is harmless for the provider, but not always for you: an answer may begin something. So a request that
/// offers tools is asked once, unless you say otherwise.
///
/// # Defaults
///
/// - requests with tools are not hedged
/// - streams are hedged as whole answers are, and what is learned of the latency of one is taken for the other's
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{HedgedModel, Line, Model, Request, ScriptedModel};
/// use fascine_resilience::{Hedge, HedgeDelay};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let script = ScriptedModel::new(&rt).with_line(Line::hang()).with_answer("Eight.");
/// let hedge = Hedge::new(&rt, HedgeDelay::Fixed(Duration::from_secs(2)));
/// let model = HedgedModel::new(script.clone(), hedge);
/// let response = model.invoke(Request::new([Message::user("Legs?")])).await.unwrap();
/// assert_eq!((response.text().as_str(), response.attempts), ("Eight.", 2));
/// assert_eq!(script.in_flight(), 0);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct HedgedModel {
    model: Arc<dyn Model>,
    whole: Hedge,
    streams: Hedge,
    tools: Tools,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tools {
    Hedged,
    Once,
}

impl HedgedModel {
    /// Hedges calls of `model`.
    pub fn new(model: impl Model, hedge: Hedge) -> Self {
        Self {
            model: Arc::new(model),
            streams: hedge.clone(),
            whole: hedge,
            tools: Tools::Once,
        }
    }

    /// Hedges streams by a policy of their own: they begin sooner than whole answers end.
    #[must_use]
    pub fn with_stream_hedge(mut self, hedge: Hedge) -> Self {
        self.streams = hedge;
        self
    }

    /// Hedges requests that offer tools as well.
    #[must_use]
    pub fn with_tools(mut self) -> Self {
        self.tools = Tools::Hedged;
        self
    }

    fn is_hedged(&self, request: &Request) -> bool {
        request.tools.is_empty() || self.tools == Tools::Hedged
    }
}

impl Model for HedgedModel {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn identity(&self) -> String {
        self.model.identity()
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        if !self.is_hedged(&request) {
            return self.model.invoke(request);
        }
        let (hedge, model) = (self.whole.clone(), Arc::clone(&self.model));
        Box::pin(async move {
            let call = Idempotent(|_| model.invoke(request.clone()));
            let hedged = hedge.run(call).await?;
            let mut response = hedged.value;
            response.attempts = with_extra(response.attempts, hedged.calls);
            Ok(response)
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        if !self.is_hedged(&request) {
            return self.model.stream(request);
        }
        let (hedge, model) = (self.streams.clone(), Arc::clone(&self.model));
        Box::pin(async move {
            let call = Idempotent(|_| {
                let opened = model.stream(request.clone());
                async { begun(opened.await?).await }
            });
            let hedged = hedge.run(call).await?;
            let attempts = with_extra(hedged.value.attempts(), hedged.calls);
            Ok(hedged.value.with_attempts(attempts))
        })
    }
}

/// Each call beside the first was a request at least; an answer that took none stays so.
fn with_extra(attempts: u32, calls: u32) -> u32 {
    match attempts {
        0 => 0,
        attempts => attempts.saturating_add(calls - 1),
    }
}
