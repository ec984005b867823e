use crate::draft::Draft;
use crate::{Branch, BranchError, CallOptions, Instruction, Reply};

/// What [`Branch::communicate`] is to do. A text is one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Communicate {
    /// What is said.
    pub instruction: Instruction,
    /// How the model is asked.
    pub call: CallOptions,
}

impl Communicate {
    /// Says `instruction`.
    pub fn new(instruction: impl Into<Instruction>) -> Self {
        Self {
            instruction: instruction.into(),
            call: CallOptions::default(),
        }
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }
}

impl<T: Into<Instruction>> From<T> for Communicate {
    fn from(instruction: T) -> Self {
        Self::new(instruction)
    }
}

impl Branch {
    /// Says something to the model and waits for its answer. Both enter the history together.
    ///
    /// Calls on one branch take turns, in the order they were first polled.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer; the history is then as it was.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call, gives up the turn, and leaves the history as it was, unless
    /// [`OnAbort`](crate::OnAbort) says otherwise.
    pub async fn communicate(&self, what: impl Into<Communicate>) -> Result<Reply, BranchError> {
        let what = what.into();
        let mut draft = Draft::begin(self, what.instruction.message()).await?;
        let response = draft.ask(&what.call).await?;
        let message = draft.say(response.message.clone());
        let turn = draft.commit().id();
        Ok(Reply::new(turn, message, response))
    }
}
