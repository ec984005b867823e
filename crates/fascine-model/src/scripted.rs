use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use fascine_message::{Message, Role};
use fascine_rt::{BoxFuture, Rt};
use futures_core::Stream;

use crate::{ApiError, Chunk, ChunkStream, Model, ModelError, ModelFailure, Request, Response};

/// A model that says what it was told to: for tests and demonstrations.
///
/// A call first looks for a rule whose words stand in the last user message; if there is none, it takes the next
/// answer of the queue. Clones share the queue.
#[derive(Clone, Debug)]
pub struct ScriptedModel {
    rt: Rt,
    delay: Duration,
    rules: Vec<(String, Line)>,
    queue: Arc<Mutex<VecDeque<Line>>>,
}

#[derive(Clone, Debug)]
enum Line {
    Answer(Response),
    /// A refusal with this status and these words.
    Fail(u16, String),
}

impl ScriptedModel {
    /// Makes a model with an empty script; its delays run on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        let (rules, queue) = (Vec::new(), Arc::default());
        Self {
            rt: rt.clone(),
            delay: Duration::ZERO,
            rules,
            queue,
        }
    }

    /// Adds an answer to the end of the queue.
    #[must_use]
    pub fn with_answer(self, text: impl Into<String>) -> Self {
        self.with_line(Line::Answer(answer(text)))
    }

    /// Adds a refusal with this HTTP status to the end of the queue.
    #[must_use]
    pub fn with_failure(self, status: u16, message: impl Into<String>) -> Self {
        self.with_line(Line::Fail(status, message.into()))
    }

    /// Answers `text`, every time, when the last user message contains `when`. The first rule that fits is the one.
    #[must_use]
    pub fn with_rule(mut self, when: impl Into<String>, text: impl Into<String>) -> Self {
        self.rules.push((when.into(), Line::Answer(answer(text))));
        self
    }

    /// Refuses with this HTTP status, every time, when the last user message contains `when`.
    #[must_use]
    pub fn with_failing_rule(mut self, when: impl Into<String>, status: u16) -> Self {
        self.rules.push((
            when.into(),
            Line::Fail(status, "refused by the script".to_owned()),
        ));
        self
    }

    /// Makes every call take this long.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn with_line(self, line: Line) -> Self {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(line);
        self
    }

    async fn run(self, request: Request) -> Result<Response, ModelError> {
        if !self.delay.is_zero() {
            self.rt.sleep(self.delay).await;
        }
        let mut asked = request
            .messages
            .iter()
            .rev()
            .filter(|said| said.role() == Role::User);
        let asked = asked.next().map(Message::text).unwrap_or_default();
        let rule = self
            .rules
            .into_iter()
            .find(|(when, _)| asked.contains(when));
        let line = rule.map(|(_, line)| line).or_else(|| {
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        });
        match line {
            Some(Line::Answer(response)) => Ok(response),
            Some(Line::Fail(status, message)) => {
                Err(ModelError::new(ApiError::new(status, message).into(), 1))
            }
            None => Err(ModelError::new(ModelFailure::OutOfScript, 1)),
        }
    }
}

impl Model for ScriptedModel {
    fn name(&self) -> &str {
        "scripted"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        Box::pin(self.clone().run(request))
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let answered = self.clone().run(request);
        Box::pin(async move { Ok(pieces(&answered.await?)) })
    }
}

fn answer(text: impl Into<String>) -> Response {
    let mut response = Response::new(Message::assistant(text));
    response.model = "scripted".to_owned();
    response
}

/// An answer as a stream, word by word.
pub(crate) fn pieces(response: &Response) -> ChunkStream {
    let (id, model) = (response.id.clone(), response.model.clone());
    let mut chunks = VecDeque::from([Chunk::Start { id, model }]);
    let text = response.message.text();
    chunks.extend(
        text.split_inclusive(' ')
            .map(|word| Chunk::Text(word.to_owned())),
    );
    chunks.push_back(Chunk::Finish(response.finish_reason.clone()));
    chunks.push_back(Chunk::Usage(response.usage));
    ChunkStream::new(Pieces(chunks), response.attempts)
}

struct Pieces(VecDeque<Chunk>);

impl Stream for Pieces {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
