use serde::{Deserialize, Serialize};

use crate::edge_state::EdgeState;

/// What came of an edge in a run. Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeStatus {
    /// Its source failed, was cancelled, or was skipped because of a failure; or its condition panicked.
    Failed,
    /// It was live: what came of its source went along it.
    Live,
    /// A condition said no, or its source was not to run itself.
    NotTaken,
    /// Its source had not ended when the run did.
    Open,
}

impl From<EdgeState> for EdgeStatus {
    fn from(state: EdgeState) -> Self {
        match state {
            EdgeState::Broken | EdgeState::Failed => Self::Failed,
            EdgeState::Dead => Self::NotTaken,
            EdgeState::Live | EdgeState::LiveError | EdgeState::Rescue => Self::Live,
            EdgeState::Open => Self::Open,
        }
    }
}
