use std::sync::Arc;

use super::restore::Restored;
use super::{Checkpoint, Header, Recorder, RunId};
use crate::{Graph, Snapshot};

/// How a run is recorded, and what it goes on from.
#[derive(Debug)]
pub(crate) struct Journaling {
    pub(crate) recorder: Arc<Recorder>,
    /// If the journal is yet to begin.
    pub(crate) header: Option<Header>,
}

impl Journaling {
    pub(crate) fn begin(
        store: Arc<dyn Checkpoint>,
        run: RunId,
        graph: &Graph,
        state: &Snapshot,
    ) -> Self {
        Self {
            recorder: Arc::new(Recorder::new(store, run, 0, Restored::default())),
            header: Some(Header::new(graph).with_state(state)),
        }
    }

    pub(super) fn go_on(
        store: Arc<dyn Checkpoint>,
        run: RunId,
        records: u64,
        restored: Restored,
    ) -> Self {
        Self {
            recorder: Arc::new(Recorder::new(store, run, records, restored)),
            header: None,
        }
    }
}
