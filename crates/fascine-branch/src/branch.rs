use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_concurrency::Lock;
use fascine_message::{Message, MessageId};
use fascine_model::{Model, Request};

use crate::{BranchError, History, Reply};

/// A conversation with a model.
///
/// # Defaults
///
/// - no system prompt
/// - message ids that follow from the branch's name: give branches whose messages meet [seeds](Self::with_seed) of
///   their own
#[derive(Debug)]
pub struct Branch {
    name: String,
    model: Arc<dyn Model>,
    system: Option<Message>,
    /// Held through a turn: the next one sees what this one said.
    turn: Lock<()>,
    /// Held for moments: it can be read while a turn goes on.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    ids: fastrand::Rng,
}

impl Branch {
    /// Makes an empty conversation with `model`.
    pub fn new(name: impl Into<String>, model: impl Model) -> Self {
        let name = name.into();
        let seed = name.bytes().fold(0, |seed: u64, byte| {
            seed.wrapping_mul(0x0100_0000_01b3)
                .wrapping_add(u64::from(byte) + 1)
        });
        Self::from_parts(name, Arc::new(model), None, History::default(), seed)
    }

    /// Sets the system prompt: it goes first in every request and is not part of the history.
    #[must_use]
    pub fn with_system(mut self, prompt: impl Into<String>) -> Self {
        self.system = Some(Message::system(prompt));
        self
    }

    /// Sets what the ids of messages are derived from.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.state().ids = fastrand::Rng::with_seed(seed);
        self
    }

    /// The branch's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was said so far. A turn that still goes on is not in it.
    #[must_use]
    pub fn history(&self) -> History {
        self.state().history.clone()
    }

    /// Makes a branch that begins where this one is, and goes its own way. A turn that still goes on is not in it.
    pub fn fork(&self, name: impl Into<String>) -> Self {
        let (history, seed) = {
            let mut state = self.state();
            (state.history.clone(), state.ids.u64(..))
        };
        let (model, system) = (Arc::clone(&self.model), self.system.clone());
        Self::from_parts(name.into(), model, system, history, seed)
    }

    /// Says `text` to the model and waits for its answer. Both enter the history together.
    ///
    /// Calls on one branch take turns, in the order they were first polled.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer; the history is then as it was.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call, gives up the turn, and leaves the history as it was.
    pub async fn communicate(&self, text: impl Into<String>) -> Result<Reply, BranchError> {
        let _turn = self.turn.lock().await;
        let question = Message::user(text);
        let said: Vec<Message> = {
            let state = self.state();
            self.system
                .iter()
                .chain(state.history.iter())
                .cloned()
                .collect()
        };
        let request = Request::new(said.into_iter().chain([question.clone()]));
        let response = self
            .model
            .invoke(request)
            .await
            .map_err(|source| BranchError::Model {
                branch: self.name.clone(),
                model: self.model.name().to_owned(),
                source,
            })?;
        let mut state = self.state();
        let question = question.with_id(next_id(&mut state.ids));
        let answer = response.message.clone().with_id(next_id(&mut state.ids));
        state.history.extend([question, answer.clone()]);
        Ok(Reply::new(answer, response))
    }

    fn from_parts(
        name: String,
        model: Arc<dyn Model>,
        system: Option<Message>,
        history: History,
        seed: u64,
    ) -> Self {
        let state = State {
            history,
            ids: fastrand::Rng::with_seed(seed),
        };
        Self {
            name,
            model,
            system,
            turn: Lock::new(()),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A UUID of version 8, RFC 9562, whose free bits come from the branch's seed.
fn next_id(ids: &mut fastrand::Rng) -> MessageId {
    let version = 0x8 << 76;
    let variant = 0x2 << 62;
    let free = ids.u128(..) & !(0xF << 76) & !(0x3 << 62);
    MessageId::from_u128(free | version | variant)
}
