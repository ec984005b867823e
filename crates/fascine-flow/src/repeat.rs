use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expand::run_item;
use crate::step_builder::StepBuilder;
use crate::{GraphBuilder, GraphError, GrowthError, StepContext, StepOutput, StepResult};

/// How often a step is repeated, and what follows if it is not done by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is a plan for others to use"]
pub struct Repeat {
    limit: u32,
    gives_last: bool,
}

impl Repeat {
    /// At most so many times. If it is not done then, it fails: [`GrowthError::NotDone`].
    pub fn at_most(times: u32) -> Self {
        Self {
            limit: times,
            gives_last: false,
        }
    }

    /// If it is not done after all repetitions, what the last one gave counts.
    pub fn or_last(self) -> Self {
        Self {
            gives_last: true,
            ..self
        }
    }
}

/// What one repetition comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Round<T> {
    /// It is to be repeated; the next one gets this.
    Again(T),
    /// It is done, and this is what it gives.
    Done(T),
}

/// Steps that are repeated.
impl GraphBuilder {
    /// Adds a step that runs a function again and again, until it is done. It gets what the repetition before it gave.
    ///
    /// Each repetition is a step of its own within the run, from `name[0]` on, and may run graphs. One that fails fails
    /// this step. What leads to this step is seen by [`StepContext::outer`].
    ///
    /// ```
    /// use fascine_flow::{Flow, GraphBuilder, Repeat, Round};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let mut graph = GraphBuilder::new();
    /// graph.repeat("halve", Repeat::at_most(10), |_, before: Option<u32>| async move {
    ///     Ok(match before.unwrap_or(20) {
    ///         odd if odd % 2 == 1 => Round::Done(odd),
    ///         even => Round::Again(even / 2),
    ///     })
    /// });
    /// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
    /// assert_eq!(report.step("halve").unwrap().json(), Some(5.into()));
    /// assert_eq!(report.step("halve").unwrap().nested.len(), 3);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// [`GraphError::ZeroRepeats`], when the graph is built, if it is to be done not even once.
    pub fn repeat<F, Fut, T>(
        &mut self,
        name: impl Into<Arc<str>>,
        repeat: Repeat,
        work: F,
    ) -> StepBuilder<'_, T>
    where
        F: Fn(StepContext, Option<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<Round<T>>> + Send + 'static,
        T: StepOutput + Clone,
    {
        let name = name.into();
        if repeat.limit == 0 {
            let step = name.to_string();
            self.refuse(GraphError::ZeroRepeats { step });
        }
        let work = Arc::new(work);
        let step = self.step(name, move |context| {
            let work = Arc::clone(&work);
            async move { Ok(run(context, repeat, work).await?) }
        });
        step.structural()
    }
}

async fn run<F, Fut, T>(
    context: StepContext,
    repeat: Repeat,
    work: Arc<F>,
) -> Result<T, GrowthError>
where
    F: Fn(StepContext, Option<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = StepResult<Round<T>>> + Send + 'static,
    T: StepOutput + Clone,
{
    let mut last = None;
    for _ in 0..repeat.limit {
        let number = context.growth().reserve(1);
        let work = Arc::clone(&work);
        let again = move |context| work(context, last.clone());
        match run_item(&context, format!("[{number}]"), again).await? {
            Round::Done(value) => return Ok(value),
            Round::Again(value) => last = Some(value),
        }
    }
    match last {
        Some(value) if repeat.gives_last => Ok(value),
        _ => Err(GrowthError::NotDone {
            path: context.path(),
            limit: repeat.limit,
        }),
    }
}
