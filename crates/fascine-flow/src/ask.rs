use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde_json::{Error, Value};

use crate::output::OutputType;
use crate::{
    GraphBuilder, Inputs, Output, Question, StepBuilder, StepContext, StepOutput, StepResult,
};

impl GraphBuilder {
    /// Adds a step that waits for an answer from outside of the run, and gives it as its output. The function makes the
    /// question from what the steps before it gave; `()` stands for no steps. As long as the answer is awaited, the step
    /// takes no place from others, though it keeps its [resource](StepBuilder::resource).
    ///
    /// [`FlowRun::questions`](crate::FlowRun::questions) shows what is asked, [`Answers`](crate::Answers) gives the
    /// answers. A [time-out](StepBuilder::timeout) is the time for making the question and answering it; with
    /// [`OnError::Fallback`](crate::OnError::Fallback) the steps behind get another answer then.
    ///
    /// ```
    /// use fascine_flow::{Flow, GraphBuilder, Question};
    /// use futures_lite::StreamExt;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let mut graph = GraphBuilder::new();
    /// let draft = graph.step("draft", |_| async { Ok("we are sorry".to_owned()) }).id();
    /// let approve = graph.ask("approve", draft, |_, draft| async move {
    ///     Ok(Question::<bool>::new("Send this?").with_details(&*draft))
    /// });
    /// let approve = approve.id();
    /// graph.step("send", |_| async { Ok("sent".to_owned()) });
    /// graph.edge(approve, "send").when(|seen| seen.output::<bool>() == Some(true.into()));
    ///
    /// let run = Flow::new(&rt).start(&graph.build().unwrap());
    /// let (mut questions, answers) = (run.questions(), run.answers());
    /// let running = rt.spawn(run);
    /// let question = questions.next().await.unwrap();
    /// assert_eq!((question.text.as_str(), &question.details), ("Send this?", &"we are sorry".into()));
    /// answers.answer(&question.step, true).unwrap();
    /// assert_eq!(running.await.unwrap().step("send").unwrap().json(), Some("sent".into()));
    /// # });
    /// ```
    pub fn ask<A, I, F, Fut>(
        &mut self,
        name: impl Into<Arc<str>>,
        inputs: I,
        question: F,
    ) -> StepBuilder<'_, A>
    where
        A: StepOutput,
        I: Inputs,
        F: Fn(StepContext, I::Values) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<Question<A>>> + Send + 'static,
    {
        let made = self.then(name, inputs, move |context, values| {
            let made = question(context, values);
            async move { Ok(made.await?.asked()?) }
        });
        let number = made.id().number;
        if let Some(step) = self.steps.get_mut(number as usize) {
            step.output = OutputType::of::<A>;
            step.settings.more().asks = Some(Asks::of::<A>());
        }
        StepBuilder::new(self, number)
    }
}

/// What a step that asks makes of an answer.
#[derive(Clone, Copy)]
pub(crate) struct Asks {
    /// The type of the answer.
    pub(crate) wanted: &'static str,
    pub(crate) read: fn(Value) -> Result<Output, Error>,
}

impl Asks {
    fn of<A: StepOutput>() -> Self {
        Self {
            wanted: std::any::type_name::<A>(),
            read: |answer| serde_json::from_value::<A>(answer).map(Output::new),
        }
    }
}

impl fmt::Debug for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }
}
