use std::sync::Arc;

use fascine_concurrency::{LockGuardArc, OnceCell};
use fascine_message::{Message, Role};
use fascine_model::{ModelError, Request, Response};

use crate::{
    Branch, BranchError, BranchEvent, CallOptions, History, OnAbort, Turn, TurnId, TurnKind,
};

/// A turn that goes on. What is said in it waits here, and enters the history when it is [committed](Self::commit); a
/// draft that is dropped before has not happened.
#[derive(Debug)]
pub(crate) struct Draft {
    branch: Branch,
    id: TurnId,
    /// What was said before.
    base: History,
    said: Vec<Message>,
    /// The system prompt; written once, when the model is first asked.
    system: OnceCell<Option<Message>>,
    is_open: bool,
    /// The next turn waits for it.
    _turn: LockGuardArc<()>,
}

impl Draft {
    /// Waits for the branch's turn, and begins it with `instruction`.
    pub(crate) async fn begin(branch: &Branch, instruction: Message) -> Self {
        let turn = branch.turn_lock().lock_arc().await;
        let (id, base) = {
            let mut state = branch.state();
            (state.ids.turn(), state.history.clone())
        };
        let mut draft = Self {
            branch: branch.clone(),
            id,
            base,
            said: Vec::new(),
            system: OnceCell::new(),
            is_open: true,
            _turn: turn,
        };
        let instruction = draft.say(instruction);
        branch.emit(|| BranchEvent::TurnStarted {
            turn: id,
            instruction,
        });
        draft
    }

    /// Adds a message to the turn, with an id and a time.
    pub(crate) fn say(&mut self, message: Message) -> Message {
        let message = stamp(&self.branch, message);
        self.said.push(message.clone());
        message
    }

    /// Asks the model with all that was said.
    pub(crate) async fn ask(&self, options: &CallOptions) -> Result<Response, BranchError> {
        let model = options.model.as_ref();
        let model = Arc::clone(model.unwrap_or(&self.branch.settings().model));
        let request = self.request(options).await?;
        let admission = self.branch.admit(&*model, &request)?;
        let asked = model.invoke(request).await;
        admission.settle(&asked);
        asked.map_err(|source| self.failed(model.name(), source))
    }

    /// What the model is asked.
    pub(crate) async fn request(&self, options: &CallOptions) -> Result<Request, BranchError> {
        let settings = self.branch.settings();
        let system = self
            .system
            .get_or_try_init(|| self.branch.write_system(self.id));
        let system = system.await?.clone();
        let said = self.base.iter().chain(&self.said).cloned();
        let mut request = options.request.clone();
        request.messages = system.into_iter().chain(said).collect();
        if request.tools.is_empty() {
            request.tools = settings.tools.specs().cloned().collect();
        }
        let capabilities = &settings.capabilities;
        request
            .tools
            .retain(|tool| capabilities.permits_tool(&tool.name));
        Ok(request)
    }

    /// Lets the turn enter the history.
    pub(crate) fn commit(mut self) -> Turn {
        self.is_open = false;
        let turn = Turn::new(self.id, std::mem::take(&mut self.said));
        self.enter(turn.clone());
        turn
    }

    fn enter(&self, turn: Turn) {
        self.branch.state().history.push(turn.clone());
        self.branch.emit(|| BranchEvent::Committed { turn });
    }

    fn failed(&self, model: &str, source: ModelError) -> BranchError {
        BranchError::Model {
            branch: self.branch.name().to_owned(),
            model: model.to_owned(),
            source,
        }
    }

    /// What of a turn that broke off can stand in a history: no call without its result.
    fn partial(&mut self) -> Option<Turn> {
        let mut said = std::mem::take(&mut self.said);
        while said.last().is_some_and(is_unanswered) {
            said.pop();
        }
        let has_more = said.iter().any(|message| message.role() != Role::User);
        has_more.then(|| Turn::new(self.id, said).with_kind(TurnKind::Partial))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        if self.branch.settings().on_abort == OnAbort::KeepPartial
            && let Some(turn) = self.partial()
        {
            self.enter(turn);
        }
        self.branch.emit(|| BranchEvent::Aborted { turn: self.id });
    }
}

fn is_unanswered(message: &Message) -> bool {
    message.tool_calls().next().is_some()
}

/// Gives a message what a stored message has.
pub(crate) fn stamp(branch: &Branch, message: Message) -> Message {
    // Somebody else's clock is asked while nothing is locked.
    let now = branch.settings().clock.as_ref().map(|clock| clock.now());
    let message = message.with_id(branch.state().ids.message());
    match now {
        Some(now) => message.with_timestamp(now),
        None => message,
    }
}
