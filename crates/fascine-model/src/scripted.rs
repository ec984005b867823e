use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fascine_message::{Message, Role};
use fascine_rt::{BoxFuture, Rt};

use crate::{ApiError, ChunkStream, Model, ModelError, ModelFailure, Request, Response};

mod line;
mod pieces;
mod playing;
mod script;

pub use line::Line;
pub(crate) use pieces::{pieces, stream_of};
use playing::Playing;
use script::Script;

/// A model that says what it was told to: for tests and demonstrations.
///
/// A call first looks for a rule whose words stand in the last user message; if there is none, it takes the next
/// [`Line`] of the queue, in the order in which the calls are first polled. Clones share the queue and the record of
/// what was asked.
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{ApiError, Line, Model, Request, ScriptedModel};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let model = ScriptedModel::new(&rt)
///     .with_line(Line::api_error(ApiError::new(429, "slower")).with_delay(Duration::from_secs(1)))
///     .with_answer("Eight.");
/// let request = Request::new([Message::user("How many legs has a spider?")]);
/// assert!(model.invoke(request.clone()).await.unwrap_err().is_retryable());
/// assert_eq!(model.invoke(request).await.unwrap().text(), "Eight.");
/// assert_eq!(model.requests().len(), 2);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedModel {
    rt: Rt,
    name: Arc<str>,
    delay: Duration,
    rules: Vec<(String, Line)>,
    script: Arc<Mutex<Script>>,
}

impl ScriptedModel {
    /// Makes a model with an empty script; its delays run on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            name: "scripted".into(),
            delay: Duration::ZERO,
            rules: Vec::new(),
            script: Arc::default(),
        }
    }

    /// Sets its name, which is also that of the model in the answers made by [`with_answer`](Self::with_answer) and
    /// [`with_rule`](Self::with_rule) from here on.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds an answer to the end of the queue.
    #[must_use]
    pub fn with_answer(self, text: impl Into<String>) -> Self {
        let line = self.answer(text);
        self.with_line(line)
    }

    /// Adds a refusal with this HTTP status to the end of the queue.
    #[must_use]
    pub fn with_failure(self, status: u16, message: impl Into<String>) -> Self {
        self.with_line(Line::api_error(ApiError::new(status, message)))
    }

    /// Adds a line to the end of the queue.
    #[must_use]
    pub fn with_line(self, line: Line) -> Self {
        self.script().lines.push_back(line);
        self
    }

    /// Answers `text`, every time, when the last user message contains `when`. The first rule that fits is the one.
    #[must_use]
    pub fn with_rule(self, when: impl Into<String>, text: impl Into<String>) -> Self {
        let line = self.answer(text);
        self.with_rule_line(when, line)
    }

    /// Refuses with this HTTP status, every time, when the last user message contains `when`.
    #[must_use]
    pub fn with_failing_rule(self, when: impl Into<String>, status: u16) -> Self {
        let refused = ApiError::new(status, "refused by the script");
        self.with_rule_line(when, Line::api_error(refused))
    }

    /// Plays `line`, every time, when the last user message contains `when`.
    #[must_use]
    pub fn with_rule_line(mut self, when: impl Into<String>, line: Line) -> Self {
        self.rules.push((when.into(), line));
        self
    }

    /// Makes every call take this long, before the delay of its line.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What it was asked, in the order in which the calls were first polled.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.script().requests.clone()
    }

    /// How many calls and streams have begun and have neither ended nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.script().in_flight
    }

    /// How many lines of the queue are left.
    #[must_use]
    pub fn lines_left(&self) -> usize {
        self.script().lines.len()
    }

    fn answer(&self, text: impl Into<String>) -> Line {
        let mut response = Response::new(Message::assistant(text));
        response.model = self.name.as_ref().to_owned();
        Line::response(response)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the line for a request, and counts the call until what is returned is dropped.
    fn begin(&self, request: Request) -> Result<Playing, ModelError> {
        let asked = last_question(&request);
        let rule = self.rules.iter().find(|(when, _)| asked.contains(when));
        let mut script = self.script();
        script.requests.push(request);
        let line = match rule {
            Some((_, line)) => Some(line.clone()),
            None => script.lines.pop_front(),
        };
        let line = line.ok_or_else(|| ModelError::new(ModelFailure::OutOfScript, 1))?;
        script.in_flight += 1;
        drop(script);
        Ok(Playing::new(
            &self.rt,
            self.delay,
            line,
            Arc::clone(&self.script),
        ))
    }
}

impl Model for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let model = self.clone();
        Box::pin(async move { model.begin(request)?.whole().await })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let model = self.clone();
        Box::pin(async move { model.begin(request)?.stream().await })
    }
}

/// The text of the last user message.
pub(crate) fn last_question(request: &Request) -> String {
    let mut asked = request.messages.iter().rev();
    let asked = asked.find(|said| said.role() == Role::User);
    asked.map(Message::text).unwrap_or_default()
}
