use std::error::Error;
use std::fmt;

use fascine_rt::Panic;

/// Why a group of tasks did not succeed: its first failure, and those that came while it was winding down.
///
/// What a task reports because its own group cancelled it is not a failure and is not kept.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{ChildError, TaskGroup};
/// # use std::error::Error;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let group = TaskGroup::new(&rt);
/// group.spawn(async { "7".parse::<u8>() });
/// group.spawn(async { "x".parse::<u8>() });
/// let errors = group.join().await.unwrap_err();
/// assert!(matches!(errors.first, ChildError::Failed(_)));
/// // It reads from the group down to the cause.
/// let cause = errors.source().and_then(Error::source).unwrap();
/// assert_eq!(cause.to_string(), "invalid digit found in string");
/// # });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct JoinErrors<E> {
    /// The failure that came first in time: the root cause. [`ChildError::Cancelled`] only if there was no failure at
    /// all, but somebody cancelled the group or a child, or their runtime was shut down.
    pub first: ChildError<E>,
    /// Failures of other tasks, in the order they came; at most 100 are kept.
    pub others: Vec<ChildError<E>>,
    /// How many failures came after those.
    pub uncounted: usize,
}

impl<E> JoinErrors<E> {
    pub(crate) fn new(first: ChildError<E>) -> Self {
        Self {
            first,
            others: Vec::new(),
            uncounted: 0,
        }
    }

    /// Adds an error; gives it back, counted, if there is no room for it.
    pub(crate) fn push(&mut self, error: ChildError<E>) -> Option<ChildError<E>> {
        if self.others.len() < KEPT {
            self.others.push(error);
            return None;
        }
        self.uncounted += 1;
        Some(error)
    }

    /// How many failures there were.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always the first")]
    pub fn len(&self) -> usize {
        1 + self.others.len() + self.uncounted
    }
}

impl<E> fmt::Display for JoinErrors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() - 1 {
            0 => f.write_str("a task of the group failed"),
            others => write!(f, "a task of the group failed, and {others} more after it"),
        }
    }
}

impl<E: Error + 'static> Error for JoinErrors<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.first)
    }
}

/// How a task of a group failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError<E> {
    /// It was cancelled, or its runtime was shut down, before it ended.
    #[error("task was cancelled")]
    Cancelled,
    /// It returned an error.
    #[error("task failed")]
    Failed(#[source] E),
    /// It panicked.
    #[error("task panicked: {}", .0.message())]
    Panicked(Panic),
}

const KEPT: usize = 100;
