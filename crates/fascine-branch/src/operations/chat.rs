use fascine_model::Response;

use crate::{Branch, BranchError, CallOptions, Instruction};

/// What [`Branch::chat`] is to do. A text is one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Chat {
    /// What is said.
    pub instruction: Instruction,
    /// How the model is asked.
    pub call: CallOptions,
}

impl Chat {
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
}

impl<T: Into<Instruction>> From<T> for Chat {
    fn from(instruction: T) -> Self {
        Self::new(instruction)
    }
}

impl Branch {
    /// Asks the model one thing, with all that was said, and stores nothing.
    ///
    /// It is no turn: it waits for none, and what a turn that goes on has said is not in it. The branch's tools are not
    /// offered. A model that is offered some by [`CallOptions::request`] may ask for them; calling them is the caller's
    /// affair.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let branch = Branch::new(&rt, "echo", EchoModel);
    /// assert_eq!(branch.chat("Hello?").await.unwrap().text(), "Hello?");
    /// assert!(branch.history().is_empty());
    /// # });
    /// ```
    pub async fn chat(&self, what: impl Into<Chat>) -> Result<Response, BranchError> {
        let Chat { instruction, call } = what.into();
        let request = call.request.clone();
        let request = self.request_aside(request, instruction.message()).await?;
        self.ask_aside(&call, request).await
    }
}
