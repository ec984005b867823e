use std::sync::Arc;

use super::Incoming;
use crate::archive::Archived;
use crate::summary::{self, Summariser};
use crate::{Branch, BranchEvent, EditError, Turn};

impl Branch {
    /// Puts a summary of what comes at the end, and what comes to the archive. The turn lock is held.
    pub(super) async fn sum_up(
        &self,
        incoming: Incoming,
        summariser: Arc<dyn Summariser>,
    ) -> Result<Vec<Turn>, EditError> {
        let made = summary::made(self.rt(), summariser, incoming.new.clone()).await;
        let text = made.map_err(|source| EditError::Summary {
            branch: self.name().to_owned(),
            source,
        })?;
        let summary = {
            let mut state = self.state();
            incoming.pin_in(&mut state);
            let (pinned, gone): (Vec<Turn>, Vec<Turn>) =
                incoming.new.into_iter().partition(Turn::is_pinned);
            let all: Vec<Turn> = gone.iter().chain(&pinned).cloned().collect();
            let summary = summary::turn(&mut state, &all, text);
            state.history.push(summary.clone());
            state.history.extend(pinned);
            for turn in gone {
                let before = Some(summary.id());
                state.archive.put(Archived { turn, before });
            }
            summary
        };
        let event = BranchEvent::Summarised {
            summary: summary.clone(),
        };
        self.emit(|| event);
        Ok(vec![summary])
    }
}
