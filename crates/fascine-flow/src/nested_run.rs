use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_concurrency::TaskGroup;
use fascine_rt::BoxFuture;

use crate::growth::Role;
use crate::handle::Unheard;
use crate::lent_place::LentPlace;
use crate::path::Prefix;
use crate::tree::{Claims, Site};
use crate::worker::Crew;
use crate::{FlowReport, Graph, GrowthError, StepContext, StepHandle, StepKey};

/// A graph that a step runs: a future that gives its [`FlowReport`].
///
/// It is a part of the run that the step is in. Its steps take places of that run; the step that waits for them leaves its
/// own meanwhile, and the resource that it uses, so that graphs may run graphs with a single place. Resources that have
/// the name of one of the outermost graph around count against both limits. The steps see the same shared
/// state, and are cancelled with the run. Events, errors and reports name them by paths, as `parent/child`; if the step
/// runs more than one graph, those after the first have numbers, as in `parent[1]/child`.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder, Status};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.step("search", |context| async move {
///     // What is to be done is known only here.
///     let mut found = GraphBuilder::new();
///     for page in ["one", "two"] {
///         found.step(page, move |_| async move { Ok(page.len()) });
///     }
///     let report = context.run(&found.build()?).await?;
///     report.assert_completed()?;
///     Ok(report.steps.len())
/// });
/// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
/// assert_eq!(report.step("search").unwrap().json(), Some(2.into()));
/// assert_eq!(report.step("search/two").unwrap().status, Status::Completed);
/// # });
/// ```
///
/// # Errors
///
/// [`GrowthError`] if there is no room for the graph, or if a step in it failed that [ends](crate::OnError::FailFast)
/// its run. Other failures are in the report: [`assert_completed`](FlowReport::assert_completed) makes them errors.
///
/// # Cancel safety
///
/// Dropping it cancels the steps that are running. They count as cancelled at once, and the report of the whole run
/// tells of them.
#[must_use = "futures do nothing unless they are awaited"]
pub struct NestedRun {
    context: StepContext,
    graph: Graph,
    plan: Plan,
    handles: Unheard,
    run: Option<BoxFuture<Result<FlowReport, GrowthError>>>,
}

/// What becomes of a graph that a step runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) role: Role,
    /// The step whose output is in the report, though others read it.
    pub(crate) output: Option<u32>,
}

impl NestedRun {
    pub(crate) fn new(context: &StepContext, graph: &Graph, plan: Plan) -> Self {
        Self {
            context: context.clone(),
            graph: graph.clone(),
            plan,
            handles: Unheard::new(graph, Prefix::Steps(context.path())),
            run: None,
        }
    }

    /// Makes a handle that waits for the end of one step. `None` if there is no such step, or if the run has begun.
    pub fn handle(&mut self, step: impl Into<StepKey>) -> Option<StepHandle> {
        let step = self.graph.inner.find(&step.into())?;
        if self.run.is_some() {
            return None;
        }
        Some(StepHandle::new(&self.handles.slot(step)))
    }
}

/// Runs the graph in a group of workers of its own.
async fn run(
    context: StepContext,
    graph: Graph,
    plan: Plan,
    mut handles: Unheard,
) -> Result<FlowReport, GrowthError> {
    let (parent, path) = (context.crew(), context.path());
    let prefix = context.growth().name(&path, plan.role);
    if let (Some(recorder), Prefix::Steps(inner)) = (context.recorder(), &prefix)
        && !recorder.accepts(inner, &graph)
    {
        return Err(GrowthError::Changed { path });
    }
    let site = Site::nested(&context, prefix, plan.output, &graph.inner)?;
    let _claims = Claims::new(&site, &graph.inner, &path)?;
    let mut lent = LentPlace::new(&context, &path)?;
    let group = TaskGroup::<(), Infallible>::new(&parent.rt)
        .supervised()
        .discarding();
    let crew = Crew::new(&parent.rt, &graph, &site, handles.take(), &group);
    // Dropped before the workers are.
    let mut inside = Inside {
        context: &context,
        crew: &crew,
        is_over: false,
    };
    let suspension = &site.tree.suspension;
    let among = suspension.enter(&crew);
    crew.join_resources();
    crew.join_places();
    // The first of these workers gets it, if there is no other.
    lent.lend();
    poll_fn(|cx| crew.poll_end(cx)).await;
    // How the workers ended is in the state; the group itself ends early only with the scope it is in.
    let _ = group.join().await;
    let report = inside.end();
    drop(among);
    poll_fn(|cx| lent.poll_return(cx)).await;
    if report.suspended {
        context.growth().suspend();
        return Err(GrowthError::Suspended { path });
    }
    match crew.change(|state| state.fatal()) {
        Some(source) => Err(GrowthError::Failed { path, source }),
        None => Ok(report),
    }
}

/// A graph that runs. However it ends, the step's report tells of it.
struct Inside<'a> {
    context: &'a StepContext,
    crew: &'a Arc<Crew>,
    is_over: bool,
}

impl Inside<'_> {
    fn end(&mut self) -> FlowReport {
        self.is_over = true;
        let now = self.crew.rt.now();
        let report = self.crew.change(|state| {
            state.give_up(now);
            let report = state.report(now);
            state.clear();
            report
        });
        let keep = &self.crew.site.tree.keep;
        self.context.growth().report(report.kept(keep));
        report
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.end();
        }
    }
}

impl Future for NestedRun {
    type Output = Result<FlowReport, GrowthError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let run = match &mut this.run {
            Some(run) => run,
            None => {
                let (context, graph) = (this.context.clone(), this.graph.clone());
                let run = run(context, graph, this.plan, this.handles.move_out());
                this.run.insert(Box::pin(run))
            }
        };
        run.as_mut().poll(cx)
    }
}

impl fmt::Debug for NestedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedRun")
            .field("context", &self.context)
            .field("graph", &self.graph)
            .field("has_begun", &self.run.is_some())
            .finish_non_exhaustive()
    }
}
