use std::num::NonZeroUsize;
use std::time::Duration;

/// What calls of a tool may take.
///
/// # Defaults
///
/// - no time-out but that of [`ActOptions`](crate::ActOptions)
/// - as many calls at once as there are
/// - beside calls of other tools
/// - results of at most 256 KiB
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolLimits {
    /// How long a call may take. Waiting for room does not count.
    pub timeout: Option<Duration>,
    /// How many calls there may be at once, from all branches that have the tool from the same set.
    pub concurrency: Option<NonZeroUsize>,
    /// Whether calls of it run beside others.
    pub company: Company,
    /// How many bytes of a result the model gets to read. The rest is cut off, and the text says so.
    pub result_bytes: usize,
}

/// Whether a tool's calls run beside the other calls of the same answer.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Company {
    /// Nothing else runs meanwhile: an answer that calls such a tool has all its calls run one after another.
    Alone,
    /// They do.
    #[default]
    Any,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self {
            timeout: None,
            concurrency: None,
            company: Company::Any,
            result_bytes: 256 * 1024,
        }
    }
}

impl ToolLimits {
    /// Sets how long a call may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how many calls there may be at once.
    #[must_use]
    pub fn with_concurrency(mut self, calls: NonZeroUsize) -> Self {
        self.concurrency = Some(calls);
        self
    }

    /// Sets whether calls of it run beside others.
    #[must_use]
    pub fn with_company(mut self, company: Company) -> Self {
        self.company = company;
        self
    }

    /// Sets how many bytes of a result the model gets to read.
    #[must_use]
    pub fn with_result_bytes(mut self, bytes: usize) -> Self {
        self.result_bytes = bytes;
        self
    }
}
