use std::borrow::Cow;
use std::fmt;

/// Why a scope was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// Its deadline passed.
    Deadline,
    /// Somebody asked for it, and may have said why.
    Requested(Option<Cow<'static, str>>),
}

impl CancelReason {
    /// What [`ScopeHandle::cancel_because`](crate::ScopeHandle::cancel_because) was told.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Requested(message) => message.as_deref(),
            Self::Deadline => None,
        }
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline passed"),
            Self::Requested(None) => f.write_str("it was asked to end"),
            Self::Requested(Some(message)) => f.write_str(message),
        }
    }
}

/// A [`CancelScope`](crate::CancelScope) dropped its future because the scope itself was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scope was cancelled: {reason}{}", Abandoned(*.abandoned))]
pub struct Cancelled {
    reason: CancelReason,
    abandoned: usize,
}

impl Cancelled {
    pub(crate) fn new(reason: CancelReason, abandoned: usize) -> Self {
        Self { reason, abandoned }
    }

    /// Why it was.
    #[must_use]
    pub fn reason(&self) -> &CancelReason {
        &self.reason
    }

    /// How much blocking work goes on, on its threads, although nobody waits for it any more.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned
    }
}

/// Says how much blocking work was left behind, if there was any.
pub(crate) struct Abandoned(pub(crate) usize);

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str("; blocking work goes on in a thread"),
            count => write!(f, "; blocking work goes on in {count} threads"),
        }
    }
}
