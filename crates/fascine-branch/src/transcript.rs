//! Conversations as other programs keep them.

mod chatml;
mod error;
mod exporting;
mod importing;
mod loss;
mod media;
mod pairing;
mod parts;

use fascine_message::{Message, Role};

use crate::{Branch, EditError, History, Turn};

pub use error::TranscriptError;
pub use loss::{Converted, Loss, OnLoss};

/// What was said, without turns, ids and times: what other programs keep of a conversation.
///
/// - [`to_openai`](Self::to_openai) and [`from_openai`](Self::from_openai): the list of messages of OpenAI's Chat
///   Completions API, as JSON.
/// - [`to_chatml`](Self::to_chatml) and [`from_chatml`](Self::from_chatml): text between `<|im_start|>` and `<|im_end|>`.
///
/// What a format has no place for is refused or left out and listed, as [`OnLoss`] says. That it has none for ids, times
/// and turns is known, and not listed; nor is the type of a picture that is a URL.
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, OnLoss, Transcript};
/// use fascine_model::EchoModel;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let json = r#"[
///     {"role": "system", "content": "Be brief."},
///     {"role": "user", "content": "hello"},
///     {"role": "assistant", "content": "Hi."}
/// ]"#;
/// let transcript = Transcript::from_openai(json, OnLoss::Refuse).unwrap().value;
/// let branch = Branch::new(&rt, "chat", EchoModel);
/// let turns = branch.import(transcript).await.unwrap();
/// assert_eq!(turns.len(), 1);
/// assert_eq!(branch.dump().system(), Some("Be brief."));
///
/// let json = branch.transcript().to_openai(OnLoss::Refuse).unwrap().value;
/// assert!(json.starts_with(r#"[{"role":"system","content":"Be brief."},"#));
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    system: Option<String>,
    messages: Vec<Message>,
}

impl Transcript {
    /// Says these messages, oldest first.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            system: None,
            messages: messages.into_iter().collect(),
        }
    }

    /// Sets the system prompt.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// The system prompt.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// What was said, oldest first, without the system prompt.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The messages of each turn: a turn begins where somebody speaks to the model after it has answered.
    fn into_turns(self) -> Vec<Vec<Message>> {
        let mut turns: Vec<Vec<Message>> = Vec::new();
        let mut is_open = false;
        for message in self.messages {
            let begins = matches!(message.role(), Role::System | Role::User);
            match turns.last_mut() {
                Some(turn) if is_open || !begins => turn.push(message),
                _ => turns.push(vec![message]),
            }
            is_open = begins;
        }
        turns
    }
}

impl From<&History> for Transcript {
    fn from(history: &History) -> Self {
        Self::new(history.iter().cloned())
    }
}

impl Branch {
    /// What was said, for other programs. A system prompt that is made anew for each request is not in it.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let state = self.state();
        let system = state.system.as_ref().and_then(|prompt| prompt.as_text());
        Transcript {
            system,
            ..Transcript::from(&state.history)
        }
    }

    /// Takes over what was said elsewhere, at the end, as turns with ids of this branch. A system prompt, if there is one,
    /// takes the place of the branch's own.
    ///
    /// # Errors
    ///
    /// [`EditError::Unpaired`] when a turn has half of a tool call; nothing has changed then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn import(&self, transcript: Transcript) -> Result<Vec<Turn>, EditError> {
        let _turn = self.wait_for_turn().await;
        let system = transcript.system.clone();
        let mut state = self.state();
        let mut turns = Vec::new();
        for said in transcript.into_turns() {
            let id = state.ids.turn();
            let ids = &mut state.ids;
            let said = said.into_iter();
            let turn = Turn::new(id, said.map(|message| message.with_id(ids.message())));
            crate::merge::check(self.name(), &turn)?;
            turns.push(turn);
        }
        state.history.extend(turns.iter().cloned());
        let replaced = match system {
            Some(system) => state.system.replace(system.into()),
            None => None,
        };
        drop(state);
        // A prompt may hold what is somebody else's: it goes when nothing is locked.
        drop(replaced);
        Ok(turns)
    }
}
