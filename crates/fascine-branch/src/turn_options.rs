use crate::{ActOptions, ToolSet, TurnLimits};

/// How a turn goes, for one operation: when it begins, which tools it has, how far it may go.
///
/// # Defaults
///
/// - the branch's own tools
/// - the limits of [`TurnLimits`]
/// - it waits until the branch is free
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TurnOptions {
    /// The tools that the model may have called, if not the branch's own. None are in an empty set.
    pub tools: Option<ToolSet>,
    /// How tools are called.
    pub act: ActOptions,
    /// How far it may go.
    pub limits: TurnLimits,
    /// What is done while another turn goes on.
    pub when_busy: WhenBusy,
}

/// What is done when a turn is to begin while another one goes on. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// The turn runs at once, on a fork that does not know of the other turn; [`Reply::fork`](crate::Reply::fork) is
    /// the branch that holds it.
    Fork,
    /// It waits. Turns begin in the order in which they were first polled.
    #[default]
    Wait,
}

impl TurnOptions {
    /// Sets the tools that the model may have called; with an empty set it can ask for none.
    #[must_use]
    pub fn with_tools(mut self, tools: ToolSet) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Sets how tools are called.
    #[must_use]
    pub fn with_act(mut self, act: ActOptions) -> Self {
        self.act = act;
        self
    }

    /// Sets how far it may go.
    #[must_use]
    pub fn with_limits(mut self, limits: TurnLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what is done while another turn goes on.
    #[must_use]
    pub fn when_busy(mut self, what: WhenBusy) -> Self {
        self.when_busy = what;
        self
    }
}
