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
    pub(crate) fn new(edges: u32) -> Self {
        Self {
            open: edges,
            live: 0,
            errors: 0,
            dead: 0,
            failed: 0,
            broken: 0,
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
        }
    }

    pub(crate) fn verdict(&self, join: Join) -> Verdict {
        let settled = self.open == 0;
        if let Join::AtLeast(wanted) = join {
            // Decided as soon as it can be.
            return if self.live >= wanted.get() {
                Verdict::Run
            } else if self.live + self.open >= wanted.get() {
                Verdict::Wait
            } else {
                self.not_met()
            };
        }
        if !settled {
            return Verdict::Wait;
        }
        let met = match join {
            Join::All => self.dead + self.failed + self.broken == 0,
            Join::AllSucceeded => self.dead + self.failed + self.broken + self.errors == 0,
            Join::Always => true,
            Join::Any => self.live > 0,
            Join::AtLeast(_) | Join::NoneFailed => self.live > 0 && self.failed + self.broken == 0,
        };
        if met { Verdict::Run } else { self.not_met() }
    }

    fn not_met(&self) -> Verdict {
        if self.broken > 0 && self.open == 0 {
            Verdict::Broken
        } else {
            Verdict::Skip {
                by_failure: self.failed + self.errors > 0,
            }
        }
    }
}
