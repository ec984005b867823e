use crate::{Output, StepKey};

/// What follows when a step has failed for good, its retries among it.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder, OnError};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// let ask = graph.step("ask", |_| async { Err::<String, _>("overloaded".into()) });
/// let ask = ask.on_error(OnError::FallbackStep("ask another".into())).id();
/// graph.step("ask another", |_| async { Ok("hello".to_owned()) });
/// graph.then("print", ask, |_, text| async move { Ok(text.len()) });
/// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
/// assert_eq!(report.step("print").unwrap().json(), Some(5.into()));
/// assert_eq!(report.errors[0].to_string(), "step `ask` failed at attempt 1");
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum OnError {
    /// The steps behind it run, and get the error instead of an output.
    Continue,
    /// The run is cancelled.
    FailFast,
    /// The steps behind it get this instead; in the report it has failed all the same.
    Fallback(Output),
    /// This step runs in its place, and what it gives goes to the steps behind; in the report the first has failed all
    /// the same. The fallback step gets the error as an input, and may have inputs of its own. It is skipped if it is
    /// not needed. If it fails itself, what counts is its own fallback: a value, or the next step.
    FallbackStep(StepKey),
    /// The steps behind it that want no failures are skipped; the rest of the run goes on.
    #[default]
    SkipDependents,
}
