use std::fmt;
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::{Output, Snapshot, StepError, StepResult};

/// An edge between two steps of a graph. While the graph is being built, an end that was given by its name is 0.
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) more: Option<Box<EdgeMore>>,
}

/// What few edges have.
#[derive(Debug, Default)]
pub(crate) struct EdgeMore {
    pub(crate) label: Option<Arc<str>>,
    pub(crate) condition: Condition,
}

/// An end of an edge that was given by its name. Few are, so they are in a list of their own.
#[derive(Debug)]
pub(crate) struct NamedEnd {
    pub(crate) edge: usize,
    pub(crate) side: Side,
    pub(crate) name: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    From,
    To,
}

impl Edge {
    pub(crate) fn more(&mut self) -> &mut EdgeMore {
        self.more.get_or_insert_default()
    }

    pub(crate) fn end(&mut self, side: Side) -> &mut u32 {
        match side {
            Side::From => &mut self.from,
            Side::To => &mut self.to,
        }
    }

    pub(crate) fn condition(&self) -> &Condition {
        let more = self.more.as_ref();
        more.map_or(&Condition::Always, |more| &more.condition)
    }

    pub(crate) fn label(&self) -> Option<&str> {
        self.more.as_ref()?.label.as_deref()
    }
}

/// A condition that may fail.
pub(crate) type TryCondition = dyn Fn(&Seen) -> StepResult<bool> + Send + Sync;

/// When an edge is live.
#[derive(Clone, Default)]
pub(crate) enum Condition {
    /// Whenever its source has completed.
    #[default]
    Always,
    /// When this says so.
    When(Arc<dyn Fn(&Seen) -> bool + Send + Sync>),
    /// When this says so; it may fail.
    TryWhen(Arc<TryCondition>),
    /// When this says so, in the end.
    WhenAsync(Arc<dyn Fn(Seen) -> BoxFuture<bool> + Send + Sync>),
    /// When no other edge with a condition is, of those that leave the same step.
    Otherwise,
    /// When its source has failed: it leads to the fallback step.
    OnFailure,
}

/// What a condition gets to see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen {
    /// What came of the step where the edge begins. There is an error only if it was told to
    /// [continue](crate::OnError::Continue).
    pub outcome: Result<Output, Arc<StepError>>,
    /// What the steps of the run share, at this moment.
    pub state: Snapshot,
}

impl Seen {
    /// What the step gave, if it is of this type.
    #[must_use]
    pub fn output<T: crate::StepOutput>(&self) -> Option<Arc<T>> {
        self.outcome.as_ref().ok().and_then(Output::get)
    }

    /// What the step gave, as JSON; `null` if it failed.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let output = self.outcome.as_ref().ok();
        output
            .and_then(|output| output.to_json().ok())
            .unwrap_or_default()
    }
}

impl Condition {
    /// The word for its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::TryWhen(_) => "TryWhen",
            Self::When(_) => "When",
            Self::WhenAsync(_) => "WhenAsync",
            Self::Otherwise => "Otherwise",
            Self::OnFailure => "OnFailure",
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
