//! What a program may do to a history. Each of these waits for the branch's turn, as a call does, so a turn that goes on
//! is never changed under its own feet; reading never waits.

use fascine_concurrency::LockGuardArc;

use crate::{Archive, Branch, EditError, History, SystemPrompt, Turn, TurnId};

impl Branch {
    /// Takes out everything that was said, pinned or not, and gives it back. The system prompt and the archive stay.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn clear(&self) -> History {
        let _turn = self.wait_for_turn().await;
        let summary = {
            let mut state = self.state();
            let summary = state.summaries.stop();
            (summary, std::mem::take(&mut state.history))
        };
        summary.1
    }

    /// Makes the branch new: nothing was said, nothing is archived, and there is no system prompt. What was said is given
    /// back.
    ///
    /// [`set_system`](Self::set_system) gives it a system prompt again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn reset(&self) -> History {
        let _turn = self.wait_for_turn().await;
        let taken = {
            let mut state = self.state();
            let archive = Archive::with_optional_limit(state.archive.limit());
            (
                state.summaries.stop(),
                std::mem::replace(&mut state.archive, archive),
                state.system.take(),
                std::mem::take(&mut state.history),
            )
        };
        taken.3
    }

    /// Sets the system prompt, from the next turn on. The one that was there before is given back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn set_system(&self, prompt: impl Into<SystemPrompt>) -> Option<SystemPrompt> {
        let _turn = self.wait_for_turn().await;
        self.state().system.replace(prompt.into())
    }

    /// Takes the latest turn out and gives it back. Nothing is taken out if nothing was said.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn undo(&self) -> Option<Turn> {
        let _turn = self.wait_for_turn().await;
        self.state().history.pop()
    }

    /// Takes a turn out, pinned or not, and gives it back.
    ///
    /// # Errors
    ///
    /// [`EditError::UnknownTurn`] when it is not in the history.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn remove_turn(&self, turn: TurnId) -> Result<Turn, EditError> {
        let _turn = self.wait_for_turn().await;
        let removed = self.state().history.remove(turn);
        removed.ok_or_else(|| self.unknown(turn))
    }

    /// Keeps a turn when others are taken out to make room.
    ///
    /// # Errors
    ///
    /// [`EditError::UnknownTurn`] when it is not in the history.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn pin(&self, turn: TurnId) -> Result<(), EditError> {
        self.edit(turn, |turn| turn.with_pinned(true)).await
    }

    /// Lets a turn that was pinned be taken out to make room.
    ///
    /// # Errors
    ///
    /// [`EditError::UnknownTurn`] when it is not in the history.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn unpin(&self, turn: TurnId) -> Result<(), EditError> {
        self.edit(turn, |turn| turn.with_pinned(false)).await
    }

    /// Puts a turn of the archive back where it was: before the turns that came after it. [Pin](Self::pin) it if it is not
    /// to leave again.
    ///
    /// # Errors
    ///
    /// [`EditError::UnknownTurn`] when it is not in the archive.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn restore(&self, turn: TurnId) -> Result<Turn, EditError> {
        let _turn = self.wait_for_turn().await;
        let mut state = self.state();
        let followers = state.followers();
        let restored = state.archive.take(turn);
        let restored = restored.ok_or_else(|| self.unknown(turn))?;
        state.put_back(restored.clone(), followers.get(&turn).copied(), &followers);
        Ok(restored)
    }

    async fn edit(&self, id: TurnId, edit: impl FnOnce(Turn) -> Turn) -> Result<(), EditError> {
        let _turn = self.wait_for_turn().await;
        let mut state = self.state();
        let turn = state.history.turn(id).cloned();
        let edited = edit(turn.ok_or_else(|| self.unknown(id))?);
        state.history.replace(edited);
        Ok(())
    }

    /// Waits until no turn goes on; none begins while the guard lives.
    pub(crate) async fn wait_for_turn(&self) -> LockGuardArc<()> {
        self.turn_lock().lock_arc().await
    }

    pub(crate) fn unknown(&self, turn: TurnId) -> EditError {
        EditError::UnknownTurn {
            branch: self.name().to_owned(),
            turn,
        }
    }
}
