use std::sync::Arc;

use crate::nested_run::{NestedRun, Plan};
use crate::output::OutputType;
use crate::step_builder::StepBuilder;
use crate::{
    Graph, GraphBuilder, GraphError, GrowthError, StepId, StepKey, StepOutput, growth::Role,
};

/// A step of a graph that gives a `T`: its [`StepId`], or its name, which is checked.
pub trait OutputOf<T>: Into<StepKey> {}

impl<T> OutputOf<T> for StepId<T> {}

impl<T> OutputOf<T> for &str {}

impl<T> OutputOf<T> for String {}

/// Graphs as steps of others.
impl GraphBuilder {
    /// Adds a step that runs a graph within the run, and gives what its step `output` gives.
    ///
    /// The steps in it have the paths `name/step`. They see what leads to this one by
    /// [`StepContext::outer`](crate::StepContext::outer). If `output` gives nothing, this step fails, with
    /// [`GrowthError::NoOutput`]; what else fails in the graph is told of in the report.
    ///
    /// ```
    /// use fascine_flow::{Flow, GraphBuilder};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let mut inner = GraphBuilder::new();
    /// let length = inner.step("length", |context| async move {
    ///     let outer = context.outer().ok_or("it is run alone")?;
    ///     let text = outer.input_json("text").unwrap_or_default();
    ///     Ok(text.as_str().map_or(0, str::len))
    /// });
    /// let length = length.id();
    /// let inner = inner.build().unwrap();
    ///
    /// let mut graph = GraphBuilder::new();
    /// graph.step("text", |_| async { Ok("four".to_owned()) });
    /// let measure = graph.sub_flow("measure", &inner, length).id();
    /// graph.edge("text", measure);
    /// graph.then("double", measure, |_, length| async move { Ok(*length * 2) });
    /// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
    /// assert_eq!(report.step("double").unwrap().json(), Some(8.into()));
    /// assert_eq!(report.step("measure/length").unwrap().attempts, 1);
    /// # });
    /// ```
    pub fn sub_flow<T: StepOutput>(
        &mut self,
        name: impl Into<Arc<str>>,
        graph: &Graph,
        output: impl OutputOf<T>,
    ) -> StepBuilder<'_, T> {
        let name = name.into();
        let output = self.check_output::<T>(&name, graph, &output.into());
        let graph = graph.clone();
        let plan = Plan {
            role: Role::Steps,
            output,
        };
        let work = Box::new(move |context| -> fascine_rt::BoxFuture<_> {
            let run = NestedRun::new(&context, &graph, plan);
            let output = output.unwrap_or_default() as usize;
            Box::pin(async move {
                let mut report = run.await?;
                let step = &mut report.steps[output];
                let gave = step.output.take();
                gave.ok_or_else(|| {
                    let path = context.path();
                    let source = step.not_completed();
                    GrowthError::NoOutput { path, source }.into()
                })
            })
        });
        self.add(name, work).structural()
    }

    /// The number of the step in the graph, if it gives what it is to give.
    fn check_output<T: StepOutput>(
        &mut self,
        name: &str,
        graph: &Graph,
        output: &StepKey,
    ) -> Option<u32> {
        let Some(found) = graph.inner.find(output) else {
            self.refuse(GraphError::UnknownRole {
                name: output.text(),
                role: format!("give the output of `{name}`"),
            });
            return None;
        };
        let (gives, wants) = (
            (graph.inner.steps[found as usize].output)(),
            OutputType::of::<T>(),
        );
        if gives != wants {
            self.refuse(GraphError::TypeMismatch {
                from: graph.inner.name(found),
                to: name.to_owned(),
                gives: gives.name.to_owned(),
                wants: wants.name.to_owned(),
            });
            return None;
        }
        Some(found)
    }
}
