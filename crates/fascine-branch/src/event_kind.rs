use crate::{BranchEvent, TurnId};

/// What kind of [`BranchEvent`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// [`BranchEvent::Aborted`].
    Aborted,
    /// [`BranchEvent::Chunk`].
    Chunk,
    /// [`BranchEvent::Committed`].
    Committed,
    /// [`BranchEvent::ContextSkipped`].
    ContextSkipped,
    /// [`BranchEvent::ObserverPanicked`].
    ObserverPanicked,
    /// [`BranchEvent::Pruned`].
    Pruned,
    /// [`BranchEvent::ReAsked`].
    ReAsked,
    /// [`BranchEvent::Repaired`].
    Repaired,
    /// [`BranchEvent::Summarised`].
    Summarised,
    /// [`BranchEvent::SummaryFailed`].
    SummaryFailed,
    /// [`BranchEvent::ToolCalled`].
    ToolCalled,
    /// [`BranchEvent::ToolEnded`].
    ToolEnded,
    /// [`BranchEvent::TurnStarted`].
    TurnStarted,
}

impl EventKind {
    /// The word for it in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Chunk => "chunk",
            Self::Committed => "committed",
            Self::ContextSkipped => "context_skipped",
            Self::ObserverPanicked => "observer_panicked",
            Self::Pruned => "pruned",
            Self::ReAsked => "re_asked",
            Self::Repaired => "repaired",
            Self::Summarised => "summarised",
            Self::SummaryFailed => "summary_failed",
            Self::ToolCalled => "tool_called",
            Self::ToolEnded => "tool_ended",
            Self::TurnStarted => "turn_started",
        }
    }
}

impl BranchEvent {
    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Aborted { .. } => EventKind::Aborted,
            Self::Chunk { .. } => EventKind::Chunk,
            Self::Committed { .. } => EventKind::Committed,
            Self::ContextSkipped { .. } => EventKind::ContextSkipped,
            Self::ObserverPanicked { .. } => EventKind::ObserverPanicked,
            Self::Pruned { .. } => EventKind::Pruned,
            Self::ReAsked { .. } => EventKind::ReAsked,
            Self::Repaired { .. } => EventKind::Repaired,
            Self::Summarised { .. } => EventKind::Summarised,
            Self::SummaryFailed { .. } => EventKind::SummaryFailed,
            Self::ToolCalled { .. } => EventKind::ToolCalled,
            Self::ToolEnded { .. } => EventKind::ToolEnded,
            Self::TurnStarted { .. } => EventKind::TurnStarted,
        }
    }

    /// The turn it belongs to, if it belongs to one.
    #[must_use]
    pub fn turn(&self) -> Option<TurnId> {
        match self {
            Self::Aborted { turn }
            | Self::Chunk { turn, .. }
            | Self::ReAsked { turn, .. }
            | Self::Repaired { turn, .. }
            | Self::ToolCalled { turn, .. }
            | Self::ToolEnded { turn, .. }
            | Self::TurnStarted { turn, .. } => Some(*turn),
            Self::Committed { turn } | Self::Summarised { summary: turn } => Some(turn.id()),
            Self::ContextSkipped { turn, .. } | Self::ObserverPanicked { turn, .. } => *turn,
            Self::Pruned { .. } | Self::SummaryFailed { .. } => None,
        }
    }
}

/// Kinds of events, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventKinds(u32);

impl EventKinds {
    pub(crate) const ALL: Self = Self(u32::MAX);

    pub(crate) const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }
}

impl FromIterator<EventKind> for EventKinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        let bits = kinds.into_iter().map(|kind| 1 << kind as u32);
        Self(bits.fold(0, |set, bit| set | bit))
    }
}
