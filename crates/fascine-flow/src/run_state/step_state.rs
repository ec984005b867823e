use std::sync::Arc;

use crate::edge_state::Counts;
use crate::moment::Moment;
use crate::{Graph, Output, SkipCause, Status, StepError};

/// What a run knows of a step. One cache line: of a million steps, most are not in the cache when they are looked at.
#[repr(align(64))]
pub(super) struct StepState {
    pub(super) status: Status,
    pub(super) is_ready: bool,
    /// Whether its join may be met before all edges are settled.
    pub(super) is_early: bool,
    pub(super) counts: Counts,
    /// Edges out of it whose other end may still want the output.
    pub(super) readers: u32,
    pub(super) attempts: u32,
    pub(super) started: Option<Moment>,
    pub(super) elapsed: Moment,
    pub(super) output: Option<Output>,
    /// Few steps have trouble.
    pub(super) trouble: Option<Box<Trouble>>,
}

const _: () = assert!(size_of::<StepState>() == 64);

#[derive(Default)]
pub(super) struct Trouble {
    pub(super) error: Option<Arc<StepError>>,
    pub(super) skip_cause: Option<SkipCause>,
    /// Where a failure that leads here began.
    pub(super) root: Option<u32>,
    /// Why it could not be known whether an edge leads here.
    pub(super) broken: Option<StepError>,
    /// Whether the fallback step has given something in its place, once that is known.
    pub(super) rescued: Option<bool>,
}

impl StepState {
    pub(super) fn new(graph: &Graph, step: u32) -> Self {
        Self {
            status: Status::Pending,
            is_ready: false,
            is_early: graph.inner.steps[step as usize].settings.join.is_early(),
            counts: Counts::new(
                graph.inner.incoming.count(step),
                graph.inner.rescues.contains_key(&step),
            ),
            readers: graph.inner.outgoing.count(step),
            attempts: 0,
            started: None,
            elapsed: Moment::ZERO,
            output: None,
            trouble: None,
        }
    }

    /// Whether it is not known yet if it runs.
    pub(super) fn waits(&self) -> bool {
        self.status == Status::Pending && !self.is_ready
    }

    pub(super) fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }
}
