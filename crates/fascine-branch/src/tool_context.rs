use std::future::Future;
use std::sync::Arc;

use fascine_rt::Rt;

use crate::nesting::{self, Frame};
use crate::{Branch, TurnId};

/// What a tool gets to know of its call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolContext {
    /// Where it runs.
    pub rt: Rt,
    /// The turn in which it was called; none if it was called outside of one.
    pub turn: Option<TurnId>,
    /// The id of the call.
    pub call_id: String,
    /// How many tools deep the call is: 1, and one more for each tool that asked a model which called this one.
    pub depth: usize,
    branch: Option<Branch>,
    pub(crate) frame: Option<Arc<Frame>>,
}

impl ToolContext {
    /// Makes the context of a call that no model made: to call a tool by hand, or to test one.
    pub fn new(rt: &Rt, call_id: impl Into<String>) -> Self {
        Self {
            rt: rt.clone(),
            turn: None,
            call_id: call_id.into(),
            depth: 1,
            branch: None,
            frame: None,
        }
    }

    pub(crate) fn in_branch(mut self, branch: &Branch, turn: Option<TurnId>) -> Self {
        let frame = Frame::of(branch, turn);
        self.depth = frame.depth();
        self.turn = turn;
        self.branch = Some(branch.clone());
        self.frame = Some(frame);
        self
    }

    /// Forks the branch whose model called: as it was before this turn. None if no branch called.
    ///
    /// The branch itself cannot be asked meanwhile: its turn waits for this tool. A fork can.
    #[must_use]
    pub fn fork(&self, name: impl Into<String>) -> Option<Branch> {
        self.branch.as_ref().map(|branch| branch.fork(name))
    }

    /// Lets what `future` does count as done by this call, wherever it is polled.
    ///
    /// It is needed in tasks that the tool spawns: without it, one that asks the branch whose turn waits for the tool
    /// would wait for ever, where it now gets an error, and depth would be counted from zero.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`.
    pub fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        nesting::nested(self.frame.clone(), future)
    }
}
