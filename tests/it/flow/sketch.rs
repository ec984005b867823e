//! Random graphs, as plain data: they can be built, and a simulator can be asked what a run of them does.

mod build;
mod random;

use std::sync::Arc;
use std::time::Duration;

use fascine::flow::Join;

pub(crate) use build::{Calls, Gave, stands_in};
pub(crate) use random::Features;

#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    pub(crate) steps: Vec<SketchStep>,
    pub(crate) edges: Vec<SketchEdge>,
    /// How many places each resource has.
    pub(crate) resources: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct SketchStep {
    /// What each try does: as many as there may be.
    pub(crate) tries: Vec<Try>,
    pub(crate) backoff: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) join: Join,
    pub(crate) after_failure: AfterFailure,
    pub(crate) priority: i32,
    pub(crate) cost: u32,
    pub(crate) resource: Option<usize>,
    /// The graph that each try runs, after its time. If that is no success, neither is the try.
    pub(crate) within: Option<Arc<Sketch>>,
    /// Whether it says in the shared state that it has completed.
    pub(crate) tells: bool,
    /// Whether it may be called again if nobody knows what came of it.
    pub(crate) is_idempotent: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) takes: Duration,
    pub(crate) ends: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Fails,
    Gives,
    Panics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// The steps behind get the error.
    CarryOn,
    EndRun,
    /// The steps behind get a value.
    Give,
    /// That step runs in its place.
    Run(usize),
    SkipDependents,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SketchEdge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    /// To the step that runs in place of the one that has failed: nobody adds such an edge by hand.
    OnFailure,
    Otherwise,
    Panics,
    When(bool),
    /// It takes its time to answer.
    WhenAsync(bool, Duration),
    /// When that step has completed.
    WhenCompleted(usize),
}
