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

/// The edges into a step, counted by what came of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    open: u32,
    live: u32,
    errors: u32,
    dead: u32,
    failed: u32,
    broken: u32,
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
            errors: 0,
            dead: 0,
            failed: 0,
            broken: 0,
            is_spare,
        }
    }

    pub(crate) fn settle(&mut self, edge: EdgeState) {
        self.open -= 1;
        match edge {
            EdgeState::Broken => self.broken += 1,
            EdgeState::Dead => self.dead += 1,
            EdgeState::Failed => self.failed += 1,
            EdgeState::Live => self.live += 1,
            EdgeState::LiveError => {
                self.live += 1;
                self.errors += 1;
            }
            EdgeState::Open => self.open += 1,
            EdgeState::Rescue => {
                self.live += 1;
                self.is_spare = false;
            }
        }
    }

    /// What the join makes of it. Nobody is skipped before all edges are settled: so the cause does not depend on which
    /// of two that settle at one time comes first.
    pub(crate) fn verdict(&self, join: Join) -> Verdict {
        if let Join::AtLeast(wanted) = join
            && self.live >= wanted.get()
            && !self.is_spare
        {
            return Verdict::Run;
        }
        if self.open > 0 {
            return Verdict::Wait;
        }
        let lost = self.failed + self.broken;
        let met = match join {
            _ if self.is_spare => false,
            Join::All => self.dead + lost == 0,
            Join::AllSucceeded => self.dead + lost + self.errors == 0,
            Join::Always => true,
            Join::Any => self.live > 0,
            Join::AtLeast(_) => false,
            Join::NoneFailed => self.live > 0 && lost == 0,
        };
        if met {
            Verdict::Run
        } else if self.broken > 0 {
            Verdict::Broken
        } else {
            let by_error = self.errors > 0 && join.refuses_errors();
            Verdict::Skip {
                by_failure: self.failed > 0 || by_error,
            }
        }
    }
}

impl Join {
    /// Whether an error that is carried on is a failure to it.
    pub(crate) fn refuses_errors(self) -> bool {
        self == Self::AllSucceeded
    }
}
