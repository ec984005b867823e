//! What a run of a sketch does, found out naively: whenever something has happened, everything is looked at again until
//! nothing changes any more.

mod edges;
mod joins;
mod path;
mod simulation;
mod work;

use std::collections::BTreeSet;
use std::time::Duration;

use fascine::flow::{Join, Status};

use super::sketch::{Condition, Sketch};
use simulation::Simulation;

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) places: usize,
    /// When it is cut off: cancelled, out of time, or dropped.
    pub(crate) cut: Option<Duration>,
    /// When the time of a step is over that runs it: no wait for another try goes on until then.
    pub(crate) deadline: Option<Duration>,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        places: usize::MAX,
        cut: None,
        deadline: None,
    };
}

/// What a run is expected to do.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) steps: Vec<Ended>,
    /// The steps that began, in that order.
    pub(crate) begun: Vec<usize>,
    pub(crate) wall: Duration,
    pub(crate) critical_path: Duration,
    /// Whether no step was known to begin before all edges into it were settled.
    pub(crate) path_is_certain: bool,
    /// Whether nothing takes no time: who begins first of several at one moment, and with what, may depend on who is
    /// quicker.
    pub(crate) order_is_certain: bool,
    pub(crate) was_cut: bool,
}

/// How a step is expected to end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Status,
    pub(crate) attempts: u32,
    pub(crate) started: Option<Duration>,
    pub(crate) elapsed: Duration,
    /// The steps that may be blamed for it that it was skipped; none if a condition did it.
    pub(crate) to_blame: BTreeSet<usize>,
    /// What it gets: who gave it along which edge, or nobody.
    pub(crate) inputs: Vec<(usize, Option<usize>)>,
    /// When it ran a graph, after its own start, and what that did.
    pub(crate) within: Option<(Duration, Expected)>,
}

impl Expected {
    pub(crate) fn has_graphs(&self) -> bool {
        self.steps.iter().any(|step| step.within.is_some())
    }
}

impl Ended {
    /// Whether there is something left to do.
    pub(crate) fn is_undone(&self) -> bool {
        match self.status {
            Status::Completed => false,
            Status::Skipped => !self.to_blame.is_empty(),
            _ => true,
        }
    }
}

impl Sketch {
    /// What a run of it does.
    pub(crate) fn simulate(&self, limits: Limits) -> Expected {
        let mut simulation = Simulation::new(self, limits.deadline);
        let mut was_cut = false;
        let wall = loop {
            simulation.settle();
            if simulation.has_failed_fatally() {
                simulation.cut();
                break simulation.now;
            }
            if simulation.begin_one(limits.places) {
                continue;
            }
            let next = simulation.next_end();
            match (next, limits.cut) {
                (Some(next), Some(cut)) if next > cut => {
                    simulation.now = cut;
                    simulation.cut();
                    was_cut = true;
                    break cut;
                }
                (Some(next), _) => simulation.now = next,
                (None, _) => break simulation.now,
            }
            simulation.end_those_whose_time_has_come();
        };
        let critical_path = simulation.critical_path();
        Expected {
            steps: (0..self.steps.len())
                .map(|step| simulation.ended(step))
                .collect(),
            begun: simulation.begun,
            wall,
            critical_path,
            path_is_certain: !was_cut && !self.has_early_joins() && !self.has_graphs(),
            order_is_certain: limits.places == 1 || !self.has_panics(),
            was_cut,
        }
    }

    fn has_early_joins(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| matches!(step.join, Join::AtLeast(_)))
    }

    fn has_graphs(&self) -> bool {
        self.steps.iter().any(|step| step.within.is_some())
    }

    fn has_panics(&self) -> bool {
        let mut edges = self.edges.iter();
        edges.any(|edge| edge.condition == Condition::Panics)
    }
}
