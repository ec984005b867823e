use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender};
use serde_json::Value;

use crate::mcp::McpError;
use crate::mcp::rpc::Refusal;

type Answer = Result<Value, Refusal>;

/// The questions that a server has not answered yet.
#[derive(Debug)]
pub(crate) struct Pending {
    state: Mutex<State>,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<u64, Sender<Answer>>,
    last: u64,
    /// Why nothing more will be answered.
    ended: Option<String>,
}

impl Pending {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            limit,
        }
    }

    /// Opens a question: its id, and where its answer will come. That ends without an answer when the conversation does.
    pub(crate) fn open(&self) -> Result<(u64, Receiver<Answer>), McpError> {
        let mut state = self.state();
        if let Some(reason) = &state.ended {
            let reason = reason.clone();
            return Err(McpError::Closed { reason });
        }
        if state.open.len() >= self.limit {
            return Err(McpError::TooManyPending { limit: self.limit });
        }
        state.last += 1;
        let id = state.last;
        let (sender, receiver) = async_channel::bounded(1);
        state.open.insert(id, sender);
        Ok((id, receiver))
    }

    /// Answers a question; one that is not open is nobody's.
    pub(crate) fn answer(&self, id: u64, answer: Answer) {
        let asker = self.state().open.remove(&id);
        if let Some(asker) = asker {
            // There is room for one, and whoever asked may have left.
            let _ = asker.try_send(answer);
        }
    }

    /// Closes a question; returns whether it was open.
    pub(crate) fn forget(&self, id: u64) -> bool {
        self.state().open.remove(&id).is_some()
    }

    /// Ends the conversation, if it has not ended before.
    pub(crate) fn end(&self, reason: impl FnOnce() -> String) {
        let mut state = self.state();
        if state.ended.is_none() {
            state.ended = Some(reason());
        }
        let open = std::mem::take(&mut state.open);
        drop(state);
        drop(open); // Wakes them.
    }

    pub(crate) fn ended(&self) -> McpError {
        let reason = self.state().ended.clone();
        McpError::Closed {
            reason: reason.unwrap_or_else(|| "nobody answers any more".to_owned()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
