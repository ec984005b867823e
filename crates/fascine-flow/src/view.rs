mod drawn;
mod of_graph;
mod of_run;
mod within;

use std::iter;
use std::time::Duration;

use crate::Status;

/// A graph, or a run of one, to look at: plain names, statuses and times, which every drawing is made from.
///
/// It is made `From` a [`Graph`](crate::Graph), or a graph and the [`FlowReport`](crate::FlowReport) of its run. All
/// drawings are deterministic, and whatever the names hold is shown as text: no name can break out of a drawing.
///
/// The drawings for browsers show at most [`DRAWN`](Self::DRAWN) steps and say how many are left out: those that failed
/// or were cancelled come first, then the others in order. The texts and the trace hold every step.
///
/// Steps that another step [ran](crate::StepContext::run) have rows of their own below it in the timeline and the table, at
/// most [`DRAWN_WITHIN`](Self::DRAWN_WITHIN) for each; in the graph, the step says how many they are.
///
/// ```
/// use fascine_flow::{Flow, GraphBuilder, GraphView};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// let load = graph.step("load", |_| async { Ok(3) }).id();
/// graph.then("store", load, |_, _| async { Ok(()) });
/// let graph = graph.build().unwrap();
/// assert_eq!(graph.to_mermaid(), "flowchart TD\n  s0[\"load\"]\n  s1[\"store\"]\n  s0 --> s1\n");
///
/// let report = Flow::new(&rt).run(&graph).await;
/// let page = GraphView::from((&graph, &report)).with_title("nightly").to_html();
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct GraphView {
    pub(crate) title: Option<String>,
    pub(crate) steps: Vec<StepView>,
    pub(crate) edges: Vec<EdgeView>,
    /// How long the run took; `None` if there was none.
    pub(crate) wall: Option<Duration>,
    /// How long the steps that are critical took together.
    pub(crate) critical: Duration,
    /// What else there is to say of its end.
    pub(crate) ending: Vec<String>,
    /// How many steps were left out.
    pub(crate) hidden: usize,
}

/// A step to look at.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Its path: the name, or `parent/name` and `parent[3]/name` if another step has run it.
    pub path: String,
    /// How many steps it is within: 0 for a step of the graph itself.
    pub depth: usize,
    /// How it ended; `None` if there was no run.
    pub status: Option<Status>,
    /// When it began, after the start of the run.
    pub started: Option<Duration>,
    /// How long it ran.
    pub elapsed: Duration,
    /// How many tries its work took.
    pub attempts: u32,
    /// Why it failed, and the causes of that, outermost first.
    pub errors: Vec<String>,
    /// Why it was skipped.
    pub skip_cause: Option<String>,
    /// Whether it is on the critical path of the run.
    pub is_critical: bool,
    /// The steps within it at any depth, each followed by those that it ran. Only steps of the graph itself have them.
    pub nested: Vec<StepView>,
    /// How many of those were left out.
    pub(crate) hidden: usize,
}

/// An edge to look at. The ends are places in the list of steps.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EdgeView {
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// What is written on it.
    pub label: Option<String>,
    /// Whether it has a condition.
    pub is_conditional: bool,
    /// Whether the run went along it; `None` if there was no run, or it was suspended before that was known.
    pub taken: Option<bool>,
}

impl GraphView {
    /// How many steps the drawings for browsers show at most.
    pub const DRAWN: usize = 2000;

    /// How many steps within one of them they show at most. They are fewer if that would make more than
    /// [`DRAWN`](Self::DRAWN) in all, but one at least.
    pub const DRAWN_WITHIN: usize = 50;

    /// Sets what stands above the drawings.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[StepView] {
        &self.steps
    }

    /// The edges.
    #[must_use]
    pub fn edges(&self) -> &[EdgeView] {
        &self.edges
    }

    /// What stands above the drawings.
    pub(crate) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or("flow")
    }

    /// Every step, each followed by those within it.
    pub(crate) fn all_steps(&self) -> impl Iterator<Item = &StepView> {
        let steps = self.steps.iter();
        steps.flat_map(|step| iter::once(step).chain(&step.nested))
    }
}

impl StepView {
    /// When it ended, if it began.
    pub(crate) fn ended(&self) -> Option<Duration> {
        Some(self.started?.saturating_add(self.elapsed))
    }

    /// What it is called where steps of several graphs stand together.
    pub(crate) fn label(&self) -> &str {
        if self.depth == 0 {
            &self.name
        } else {
            &self.path
        }
    }

    fn is_in_trouble(&self) -> bool {
        matches!(self.status, Some(Status::Failed | Status::Cancelled))
    }
}
