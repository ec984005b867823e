use fascine_message::Message;

use crate::{Branch, BranchError, BranchEvent, Context, TurnId};

/// What the model is told before the conversation.
impl Branch {
    /// The context provider of this name, to be [invalidated](Context::invalidate) for example.
    #[must_use]
    pub fn context_provider(&self, name: &str) -> Option<Context> {
        self.system_prompt()?.context(name).cloned()
    }

    /// Writes the system prompt, for a turn or for a call outside of one, and tells what it does without.
    pub(crate) async fn write_system(
        &self,
        turn: Option<TurnId>,
    ) -> Result<Option<Message>, BranchError> {
        let Some(prompt) = self.system_prompt() else {
            return Ok(None);
        };
        let written = prompt.write(self.rt()).await;
        let written = written.map_err(|source| BranchError::Prompt {
            branch: self.name().to_owned(),
            source,
            requests: Vec::new(),
        })?;
        for (provider, error) in written.skipped {
            self.emit(|| BranchEvent::ContextSkipped {
                turn,
                provider,
                reason: error.chain(),
            });
        }
        Ok(written.message)
    }
}
