use crate::ModelFailure;

impl ModelFailure {
    /// The word for it in metrics and spans: one of a fixed set.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AllFailed(_) => "all_failed",
            Self::Api(error) => error.kind.as_str(),
            Self::CircuitOpen(_) => "circuit_open",
            Self::Closed => "closed",
            Self::Concurrency(_) => "concurrency",
            Self::CostExceeded { .. } => "cost_exceeded",
            Self::Interrupted(_) => "interrupted",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::Limited(_) => "limited",
            Self::Malformed { .. } => "malformed",
            Self::OutOfScript => "out_of_script",
            Self::Panicked => "panicked",
            Self::Recording(_) => "recording",
            Self::Refused { .. } => "refused",
            Self::Timeout { .. } => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Transport(_) => "transport",
            Self::Truncated => "truncated",
            Self::Unavailable(_) => "unavailable",
        }
    }
}
