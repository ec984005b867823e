use crate::{Join, StepError};

/// What came of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeState {
    /// Its condition could not be asked.
    Broken,
    Dead,
    Failed,
    Live,
    /// It is live and carries an error.
    LiveError,
    /// Its source has not ended.
    Open,
    /// Its source has failed, and the step is there for that.
    Rescue,
}

/// What the condition of an edge says.
#[derive(Debug)]
pub(crate) enum Decision {
    Broken(StepError),
    Dead,
    Live,
}

/// What came of the edges into a step. Small, as every step of a run has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    open: u32,
    live: u32,
    has_broken: bool,
    has_errors: bool,
    has_failed: bool,
    /// It is a fallback step, and what it is there for has not failed.
    is_spare: bool,
}

/// What a step is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Broken,
    Run,
    Skip { by_failure: bool },
    Wait,
}

impl Counts {
    pub(crate) fn new(edges: u32, is_spare: bool) -> Self {
        Self {
            open: edges,
            live: 0,
            has_broken: false,
            has_errors: false,
            has_failed: false,
            is_spare,
        }
    }

    /// Whether edges are yet to be settled.
    pub(crate) fn is_open(&self) -> bool {
        self.open > 0
    }

    pub(crate) fn settle(&mut self, edge: EdgeState) {
        self.open -= 1;
        match edge {
            EdgeState::Broken => self.has_broken = true,
            EdgeState::Dead => {}
            EdgeState::Failed => self.has_failed = true,
            EdgeState::Live => self.live += 1,
            EdgeState::LiveError => {
                self.live += 1;
                self.has_errors = true;
            }
            EdgeState::Open => self.open += 1,
            EdgeState::Rescue => {
                self.live += 1;
                self.is_spare = false;
            }
        }
    }

    /// What the join makes of it, of that many edges. Nobody is skipped before all edges are settled: so the cause does
    /// not depend on which of two that settle at one time comes first.
    pub(crate) fn verdict(&self, join: Join, edges: u32) -> Verdict {
        if let Join::AtLeast(wanted) = join
            && self.live >= wanted.get()
            && !self.is_spare
        {
            return Verdict::Run;
        }
        if self.open > 0 {
            return Verdict::Wait;
        }
        let met = match join {
            _ if self.is_spare => false,
            Join::All => self.live == edges,
            Join::AllSucceeded => self.live == edges && !self.has_errors,
            Join::Always => true,
            Join::Any => self.live > 0,
            Join::AtLeast(_) => false,
            Join::NoneFailed => self.live > 0 && !self.has_failed && !self.has_broken,
        };
        if met {
            Verdict::Run
        } else if self.has_broken && !self.is_spare {
            Verdict::Broken
        } else {
            let by_error = self.has_errors && join.refuses_errors();
            Verdict::Skip {
                by_failure: self.has_failed || by_error,
            }
        }
    }
}

impl Join {
    /// Whether an error that is carried on is a failure to it.
    pub(crate) fn refuses_errors(self) -> bool {
        self == Self::AllSucceeded
    }

    /// Whether a step may start before all edges into it are settled.
    pub(crate) fn is_early(self) -> bool {
        matches!(self, Self::AtLeast(_))
    }
}
