use super::{Incoming, Known};
use crate::summary::originals;
use crate::{Archive, Branch, EditError, History, Turn};

impl Branch {
    /// Makes the branch go on from where `onto` is, and gives the turns that came: they stand before what was said here
    /// alone, after what both have.
    ///
    /// What comes is what [`merge`](Self::merge) would bring; the other branch stays as it is. If nothing comes, nothing
    /// changes.
    ///
    /// # Errors
    ///
    /// [`EditError::Conflict`] when two different turns have one id, [`EditError::Unpaired`] when a turn has half of a tool
    /// call. Nothing has changed then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn rebase(&self, onto: &Self) -> Result<Vec<Turn>, EditError> {
        let _turn = self.wait_for_turn().await;
        let (theirs, their_archive) = onto.snapshot();
        let (history, archive) = self.snapshot();
        let known = Known::new(&history, &archive);
        let incoming = Incoming::new(self.name(), &known, &theirs, &their_archive)?;
        let known = Known::new(&theirs, &their_archive);
        let shared = shared(&history, &archive, &known);
        let own = history.turns().skip(shared);
        let rebased = history.turns().take(shared).chain(&incoming.new).chain(own);
        let rebased: History = rebased.cloned().collect();
        // The history is still the same: the turn is ours.
        let mut state = self.state();
        if !incoming.new.is_empty() {
            state.history = rebased;
        }
        incoming.pin_in(&mut state);
        Ok(incoming.new)
    }
}

/// How many turns there are up to the last that the other branch knows, or a summary of such ones.
fn shared(history: &History, archive: &Archive, known: &Known<'_>) -> usize {
    let archive = archive.by_id();
    let is_shared = |turn: &Turn| {
        let mut originals = originals(turn, &archive).into_iter();
        originals.any(|id| known.has(id))
    };
    let own = history.turns().rev().take_while(|turn| !is_shared(turn));
    history.turns().len() - own.count()
}
