use std::sync::Arc;

use fascine_model::Model;
use fascine_rt::Rt;

use crate::{BranchLog, Capabilities, Clock, Prune, Summarise, SystemPrompt, ToolSet};

/// What a branch was built with. It does not change; a fork may be built with something else.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rt: Rt,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) system: Option<SystemPrompt>,
    pub(crate) tools: ToolSet,
    pub(crate) clock: Option<Clock>,
    pub(crate) capabilities: Capabilities,
    pub(crate) log: Option<BranchLog>,
    pub(crate) on_abort: OnAbort,
    pub(crate) prune: Option<Prune>,
    pub(crate) summarise: Option<Summarise>,
}

impl Settings {
    /// Leaves out the tools that may not be called: nobody finds them.
    pub(crate) fn keep_to_capabilities(&mut self) {
        self.tools = self.capabilities.permitted(std::mem::take(&mut self.tools));
    }
}

/// What becomes of a turn that breaks off: the model failed, the caller dropped the future or the stream.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAbort {
    /// The branch is as it was.
    #[default]
    Discard,
    /// What had come of it by then enters the history, marked as [partial](crate::TurnKind::Partial); calls of tools
    /// that have no result are left out.
    KeepPartial,
}
