use crate::draft::Draft;
use crate::operations::turn_loop::TurnLoop;
use crate::{Branch, BranchError, CallOptions, Instruction, Reply, TurnOptions};

/// What [`Branch::communicate`] and [`Branch::stream`] are to do. A text is one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Communicate {
    /// What is said.
    pub instruction: Instruction,
    /// How the model is asked.
    pub call: CallOptions,
    /// How the turn goes.
    pub turn: TurnOptions,
}

impl Communicate {
    /// Says `instruction`.
    pub fn new(instruction: impl Into<Instruction>) -> Self {
        Self {
            instruction: instruction.into(),
            ..Self::default()
        }
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// Sets how the turn goes.
    #[must_use]
    pub fn with_turn(mut self, turn: TurnOptions) -> Self {
        self.turn = turn;
        self
    }
}

impl<T: Into<Instruction>> From<T> for Communicate {
    fn from(instruction: T) -> Self {
        Self::new(instruction)
    }
}

impl Branch {
    /// Says something to the model and waits for its answer. Both enter the history together, and between them the
    /// tools that the model had called, with their results.
    ///
    /// Calls on one branch take turns, in the order they were first polled.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer; the history is then as it was. An empty answer, a refusal and an answer
    /// that was cut are answers: [`Reply::finish_reason`] tells them apart.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call, gives up the turn, and leaves the history as it was, unless
    /// [`OnAbort`](crate::OnAbort) says otherwise.
    pub async fn communicate(&self, what: impl Into<Communicate>) -> Result<Reply, BranchError> {
        let Communicate {
            instruction,
            call,
            turn,
        } = what.into();
        let mut draft = Draft::begin(self, instruction.message(), turn.when_busy).await?;
        let mut turn_loop = TurnLoop::new(&draft, &call, &turn);
        let response = turn_loop.answer(&mut draft, None, None).await?;
        draft.commit(response)
    }
}
