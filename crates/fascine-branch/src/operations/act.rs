use fascine_message::{Message, Part, Role, ToolCall, ToolResult};

use crate::act::{ActScope, act};
use crate::draft::Draft;
use crate::{ActOptions, Branch, BranchError, TurnId, WhenBusy};

/// What [`Branch::act`] is to do. Some calls are one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Act {
    /// The calls.
    pub calls: Vec<ToolCall>,
    /// How they are made.
    pub options: ActOptions,
    /// Whether they enter the history.
    pub keep: Keep,
}

/// Whether calls that the program made enter the history.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// They do not.
    #[default]
    Nothing,
    /// They do, with their results, as a turn.
    Turn,
}

impl Act {
    /// Makes `calls`.
    pub fn new(calls: impl IntoIterator<Item = ToolCall>) -> Self {
        Self {
            calls: calls.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Sets how they are made.
    #[must_use]
    pub fn with_options(mut self, options: ActOptions) -> Self {
        self.options = options;
        self
    }

    /// Has them enter the history, with their results, as a turn. Where there are no calls nothing enters.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.keep = Keep::Turn;
        self
    }
}

impl From<Vec<ToolCall>> for Act {
    fn from(calls: Vec<ToolCall>) -> Self {
        Self::new(calls)
    }
}

impl From<ToolCall> for Act {
    fn from(call: ToolCall) -> Self {
        Self::new([call])
    }
}

impl Branch {
    /// Calls tools of the branch, without a model. There is one result for each call, in their order: also of a tool that
    /// failed, panicked, took too long, is unknown or was not allowed.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when the calls are to be kept and a tool asks, while the branch's turn waits for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the calls that go on, and the turn if they were to be kept. A
    /// [blocking tool](crate::blocking_tool) that has begun runs to its end, and nobody waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{Branch, ToolSet, tool};
    /// use fascine_message::ToolCall;
    /// use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let now = tool(|(): ()| async { "noon" }).named("now");
    /// let tools = ToolSet::new().try_with(now).unwrap();
    /// let branch = Branch::builder(&rt, "b", EchoModel).tools(tools).build();
    /// let results = branch.act(ToolCall::new("1", "now", "{}")).await.unwrap();
    /// assert_eq!(results[0].text, "noon");
    /// # });
    /// ```
    pub async fn act(&self, what: impl Into<Act>) -> Result<Vec<ToolResult>, BranchError> {
        let what = what.into();
        if what.keep == Keep::Nothing || what.calls.is_empty() {
            return Ok(self.call_tools(&what, None).await);
        }
        let calls = what.calls.iter().cloned().map(Part::ToolCall);
        let calls = Message::new(Role::Assistant, calls.collect());
        let mut draft = Draft::begin(self, calls, WhenBusy::Wait).await?;
        let results = self.call_tools(&what, Some(draft.id())).await;
        for result in &results {
            let result = Part::ToolResult(result.clone());
            draft.say(Message::new(Role::Tool, vec![result]))?;
        }
        draft.close();
        Ok(results)
    }

    async fn call_tools(&self, what: &Act, turn: Option<TurnId>) -> Vec<ToolResult> {
        let scope = ActScope {
            branch: self,
            rt: self.rt(),
            tools: &self.settings().tools,
            turn,
            options: &what.options,
            emit: &|event| self.emit(|| event),
        };
        act(&scope, &what.calls).await
    }
}
