mod of_graph;
mod of_run;

use std::borrow::Cow;
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
    /// How many steps were left out.
    pub(crate) hidden: usize,
}

/// A step to look at.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StepView {
    /// Its name.
    pub name: String,
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
    /// Whether the run went along it; `None` if there was no run.
    pub taken: Option<bool>,
}

impl GraphView {
    /// How many steps the drawings for browsers show at most.
    pub const DRAWN: usize = 2000;

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

    /// What is shown where more than so many steps cannot be read.
    pub(crate) fn drawn(&self) -> Cow<'_, Self> {
        if self.steps.len() <= Self::DRAWN {
            return Cow::Borrowed(self);
        }
        let mut chosen: Vec<usize> = (0..self.steps.len()).collect();
        chosen.sort_by_key(|step| !self.steps[*step].is_in_trouble());
        chosen.truncate(Self::DRAWN);
        chosen.sort_unstable();
        let mut places = vec![None; self.steps.len()];
        for (place, step) in chosen.iter().enumerate() {
            places[*step] = Some(place);
        }
        let edges = self.edges.iter().filter_map(|edge| {
            let (from, to) = (places[edge.from]?, places[edge.to]?);
            let edge = edge.clone();
            Some(EdgeView { from, to, ..edge })
        });
        Cow::Owned(Self {
            title: self.title.clone(),
            steps: chosen
                .iter()
                .map(|step| self.steps[*step].clone())
                .collect(),
            edges: edges.collect(),
            hidden: self.steps.len() - chosen.len(),
            ..*self
        })
    }
}

impl StepView {
    /// When it ended, if it began.
    pub(crate) fn ended(&self) -> Option<Duration> {
        Some(self.started?.saturating_add(self.elapsed))
    }

    fn is_in_trouble(&self) -> bool {
        matches!(self.status, Some(Status::Failed | Status::Cancelled))
    }
}
