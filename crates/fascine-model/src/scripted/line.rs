use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_message::{Content, Message, Part, Role, ToolCall, Usage};

use crate::scripted::pieces::chunks_of;
use crate::{ApiError, Chunk, FinishReason, ModelError, ModelFailure, Response};

/// What a [`ScriptedModel`](crate::ScriptedModel) does in one call: an answer, a failure, or an answer that fails on the
/// way, at the pace it is given.
///
/// # Defaults
///
/// - no delay before it, none between the chunks
///
/// # Examples
///
/// ```
/// use fascine_http::TransportError;
/// use fascine_model::{Line, ModelFailure};
/// use std::time::Duration;
///
/// // Says two chunks, a second apart, and then the connection breaks.
/// let broken = || ModelFailure::Transport(TransportError::ClosedInBody { received: 10 });
/// let line = Line::answer("one two three")
///     .with_chunk_delay(Duration::from_secs(1))
///     .broken_after(2, broken);
/// # drop(line);
/// ```
#[derive(Clone, Debug)]
pub struct Line {
    pub(crate) delay: Duration,
    pub(crate) chunk_delay: Duration,
    pub(crate) outcome: Result<Answer, ModelError>,
    /// How the answer ends, if not well.
    pub(crate) break_off: Option<(usize, BreakOff)>,
}

/// An answer, in the two ways it can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) chunks: Vec<Chunk>,
}

#[derive(Clone)]
pub(crate) enum BreakOff {
    Fail(Arc<dyn Fn() -> ModelFailure + Send + Sync>),
    Hang,
}

impl fmt::Debug for BreakOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(failure) => f.debug_tuple("Fail").field(&failure()).finish(),
            Self::Hang => f.write_str("Hang"),
        }
    }
}

impl Line {
    /// Answers `text`.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::message(vec![Part::text(text)])
    }

    /// Asks for these tools to be called.
    pub fn tool_calls(calls: impl IntoIterator<Item = ToolCall>) -> Self {
        Self::message(calls.into_iter().map(Part::ToolCall).collect())
            .with_finish_reason(FinishReason::ToolCalls)
    }

    /// Answers with these parts.
    #[must_use]
    pub fn message(content: Content) -> Self {
        let mut response = Response::new(Message::new(Role::Assistant, content));
        response.model = "scripted".to_owned();
        Self::response(response)
    }

    /// Gives this response; as a stream, its text word by word.
    #[must_use]
    pub fn response(response: Response) -> Self {
        let chunks = chunks_of(&response);
        Self::new(Ok(Answer { response, chunks }))
    }

    /// Gives these chunks; as a whole, what they come to.
    #[must_use]
    pub fn chunks(chunks: Vec<Chunk>) -> Self {
        let mut answer = crate::Accumulator::new();
        chunks.iter().for_each(|chunk| answer.push(chunk));
        let response = answer.into_response();
        Self::new(Ok(Answer { response, chunks }))
    }

    /// Fails as a provider that says no.
    #[must_use]
    pub fn api_error(error: ApiError) -> Self {
        Self::failure(error.into())
    }

    /// Fails, before there is anything of an answer.
    #[must_use]
    pub fn failure(failure: ModelFailure) -> Self {
        Self::new(Err(ModelError::new(failure, 1)))
    }

    /// Never answers, and never fails.
    #[must_use]
    pub fn hang() -> Self {
        Self::answer("").with_delay(Duration::MAX)
    }

    fn new(outcome: Result<Answer, ModelError>) -> Self {
        Self {
            delay: Duration::ZERO,
            chunk_delay: Duration::ZERO,
            outcome,
            break_off: None,
        }
    }

    /// Waits so long before it begins; `Duration::MAX` is for ever.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits so long before each chunk; as a whole, as long as all of them take.
    #[must_use]
    pub fn with_chunk_delay(mut self, delay: Duration) -> Self {
        self.chunk_delay = delay;
        self
    }

    /// Breaks off after so many chunks, of which the first is the [`Start`](Chunk::Start); as a whole, the call fails at
    /// that time. A line that fails anyway is not changed.
    #[must_use]
    pub fn broken_after(
        mut self,
        chunks: usize,
        failure: impl Fn() -> ModelFailure + Send + Sync + 'static,
    ) -> Self {
        self.break_off = Some((chunks, BreakOff::Fail(Arc::new(failure))));
        self
    }

    /// Says nothing more after so many chunks, and does not end. A line that fails is not changed.
    #[must_use]
    pub fn hanging_after(mut self, chunks: usize) -> Self {
        self.break_off = Some((chunks, BreakOff::Hang));
        self
    }

    /// Sets what the answer cost. A line that fails is not changed.
    #[must_use]
    pub fn with_usage(self, usage: Usage) -> Self {
        self.map(|response| response.usage = usage, Chunk::Usage(usage))
    }

    /// Sets why the answer ends where it ends. A line that fails is not changed.
    #[must_use]
    pub fn with_finish_reason(self, reason: FinishReason) -> Self {
        let chunk = Chunk::Finish(reason.clone());
        self.map(|response| response.finish_reason = reason, chunk)
    }

    fn map(mut self, change: impl FnOnce(&mut Response), chunk: Chunk) -> Self {
        if let Ok(answer) = &mut self.outcome {
            change(&mut answer.response);
            let kind = std::mem::discriminant(&chunk);
            let mut same = answer.chunks.iter_mut().rev();
            match same.find(|other| std::mem::discriminant(*other) == kind) {
                Some(other) => *other = chunk,
                None => answer.chunks.push(chunk),
            }
        }
        self
    }
}
