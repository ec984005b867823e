use std::num::NonZeroUsize;
use std::time::Duration;

use crate::Approval;

/// How tools are called.
///
/// # Defaults
///
/// - 8 calls at once
/// - 2 minutes for each
/// - 128 calls for one answer of the model
/// - 8 levels of tools that ask models which call tools
/// - nobody is asked
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActOptions {
    /// How many calls there are at once; 1 has them one after another, in order.
    pub concurrency: NonZeroUsize,
    /// How long a call may take, where its tool does not say. `Duration::MAX` sets no limit.
    pub timeout: Duration,
    /// How many calls are made of one answer; those beyond are told.
    pub max_calls: NonZeroUsize,
    /// How deep tools may call each other, through the models that they ask.
    pub max_depth: NonZeroUsize,
    /// Who is asked before each call.
    pub approval: Option<Approval>,
}

impl Default for ActOptions {
    fn default() -> Self {
        Self {
            concurrency: AT_ONCE,
            timeout: Duration::from_secs(120),
            max_calls: CALLS,
            max_depth: DEPTH,
            approval: None,
        }
    }
}

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");
const CALLS: NonZeroUsize = NonZeroUsize::new(128).expect("it is not zero");
const DEPTH: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");

impl ActOptions {
    /// Sets how many calls there are at once.
    #[must_use]
    pub fn with_concurrency(mut self, calls: NonZeroUsize) -> Self {
        self.concurrency = calls;
        self
    }

    /// Has the calls made one after another, in order.
    #[must_use]
    pub fn sequential(self) -> Self {
        self.with_concurrency(NonZeroUsize::MIN)
    }

    /// Sets how long a call may take, where its tool does not say.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many calls are made of one answer.
    #[must_use]
    pub fn with_max_calls(mut self, calls: NonZeroUsize) -> Self {
        self.max_calls = calls;
        self
    }

    /// Sets how deep tools may call each other.
    #[must_use]
    pub fn with_max_depth(mut self, levels: NonZeroUsize) -> Self {
        self.max_depth = levels;
        self
    }

    /// Sets who is asked before each call.
    #[must_use]
    pub fn with_approval(mut self, approval: Approval) -> Self {
        self.approval = Some(approval);
        self
    }
}
