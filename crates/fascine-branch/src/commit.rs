//! What happens when a turn enters the history.

use crate::{Branch, BranchEvent, History, Turn};

impl Branch {
    /// Lets a turn enter the history, of which `kept` was sent with it. Whoever calls it holds the turn lock.
    pub(crate) fn enter(&self, turn: &Turn, kept: &History) {
        let mut kept = match &self.settings().prune {
            Some(prune) => prune.for_commit(kept, turn.messages().len()).kept,
            None => kept.clone(),
        };
        let gone = {
            let mut state = self.state();
            let is_whole = kept.turns().len() == state.history.turns().len();
            state.history.push(turn.clone());
            if is_whole {
                Vec::new()
            } else {
                kept.push(turn.clone());
                let gone = state.keep(kept);
                state.summaries.pruned(&gone);
                gone
            }
        };
        if !gone.is_empty() {
            self.emit(|| BranchEvent::Pruned { turns: gone });
        }
        self.emit(|| BranchEvent::Committed { turn: turn.clone() });
        self.summarise_what_is_due();
    }
}
