use fascine_concurrency::LockGuardArc;
use fascine_message::Message;
use fascine_model::{Accumulator, Response};
use fascine_rt::Panic;

use crate::structured::Misfit;
use crate::{
    Branch, BranchError, BranchEvent, History, LimitReached, Reply, RequestUsage, Turn, TurnId,
    WhenBusy, foreign, nesting,
};

mod asking;
mod partial;

pub(crate) use asking::{Asking, ToolUse};

/// A turn that goes on. What is said in it waits here, and enters the history when it is [committed](Self::commit) or
/// [closed](Self::close); a draft that is dropped before has not happened.
#[derive(Debug)]
pub(crate) struct Draft {
    branch: Branch,
    /// Whether the branch was made for this turn.
    is_fork: bool,
    id: TurnId,
    /// What was said before, as far as it is sent.
    base: History,
    said: Vec<Said>,
    /// The answer that is being streamed, or that broke off.
    coming: Option<Accumulator>,
    /// The system prompt; written once, when the model is first asked.
    system: Option<Option<Message>>,
    requests: Vec<RequestUsage>,
    is_open: bool,
    /// The next turn waits for it.
    _turn: LockGuardArc<()>,
}

/// A message of the turn.
#[derive(Debug)]
struct Said {
    message: Message,
    /// Whether it enters the history.
    is_kept: bool,
}

impl Draft {
    /// Waits for the branch's turn, or takes a fork, and begins the turn with `instruction`.
    pub(crate) async fn begin(
        branch: &Branch,
        instruction: Message,
        when_busy: WhenBusy,
    ) -> Result<Self, BranchError> {
        let (fork, turn) = match (branch.turn_lock().try_lock_arc(), when_busy) {
            (Some(turn), _) => (None, turn),
            (None, WhenBusy::Wait) => {
                nesting::check(branch)?;
                (None, branch.turn_lock().lock_arc().await)
            }
            (None, WhenBusy::Fork) => {
                let fork = branch.fork(format!("{}/busy", branch.name()));
                let turn = fork.turn_lock().lock_arc().await;
                (Some(fork), turn)
            }
        };
        let is_fork = fork.is_some();
        let branch = fork.unwrap_or_else(|| branch.clone());
        let (id, base) = {
            let mut state = branch.state();
            (state.ids.turn(), state.history.clone())
        };
        let mut draft = Self {
            branch,
            is_fork,
            id,
            base,
            said: Vec::new(),
            coming: None,
            system: None,
            requests: Vec::new(),
            is_open: true,
            _turn: turn,
        };
        let instruction = draft.say(instruction)?;
        draft.branch.emit(|| BranchEvent::TurnStarted {
            turn: id,
            instruction,
        });
        Ok(draft)
    }

    pub(crate) fn branch(&self) -> &Branch {
        &self.branch
    }

    pub(crate) fn id(&self) -> TurnId {
        self.id
    }

    /// The calls of the model so far.
    pub(crate) fn requests(&self) -> &[RequestUsage] {
        &self.requests
    }

    /// Counts calls of the model that were made for the turn before it began.
    pub(crate) fn count(&mut self, requests: Vec<RequestUsage>) {
        self.requests.extend(requests);
    }

    /// Adds a message to the turn, with an id and a time.
    pub(crate) fn say(&mut self, message: Message) -> Result<Message, BranchError> {
        self.add(message, true)
    }

    /// Adds a message that the model hears in this turn, and nobody later.
    pub(crate) fn say_aside(&mut self, message: Message) -> Result<Message, BranchError> {
        self.add(message, false)
    }

    fn add(&mut self, message: Message, is_kept: bool) -> Result<Message, BranchError> {
        let message = self.stamp(message)?;
        self.said.push(Said {
            message: message.clone(),
            is_kept,
        });
        Ok(message)
    }

    /// Says the answer, and lets the turn enter the history.
    pub(crate) fn commit(mut self, response: Response) -> Result<Reply, BranchError> {
        let message = self.say(response.message)?;
        self.close();
        let requests = std::mem::take(&mut self.requests);
        let mut reply = Reply::new(self.id, message, response.finish_reason, requests);
        reply.fork = self.is_fork.then(|| self.branch.clone());
        Ok(reply)
    }

    /// Lets the turn enter the history as it is.
    pub(crate) fn close(&mut self) {
        self.is_open = false;
        let said = std::mem::take(&mut self.said).into_iter();
        let kept = said.filter(|said| said.is_kept).map(|said| said.message);
        let turn = Turn::new(self.id, kept);
        self.branch.enter(&turn, &self.base);
    }

    /// Gives a message what a stored message has.
    fn stamp(&self, message: Message) -> Result<Message, BranchError> {
        // Somebody else's clock is asked while nothing is locked.
        let clock = self.branch.settings().clock.as_ref();
        let now = clock.map(|clock| foreign::call(|| clock.now()));
        let now = now.transpose();
        let now = now.map_err(|panic| self.panicked("the clock".to_owned(), &panic))?;
        let message = message.with_id(self.branch.state().ids.message());
        Ok(match now {
            Some(now) => message.with_timestamp(now),
            None => message,
        })
    }

    pub(crate) fn panicked(&self, what: String, panic: &Panic) -> BranchError {
        BranchError::Panicked {
            branch: self.branch.name().to_owned(),
            what,
            message: panic.message().to_owned(),
            requests: self.requests.clone(),
        }
    }

    pub(crate) fn invalid(&self, response: &Response, misfit: Misfit) -> BranchError {
        let requests = self.requests.clone();
        self.branch.invalid(response.text(), misfit, requests)
    }

    pub(crate) fn at_limit(&self, source: LimitReached) -> BranchError {
        BranchError::Limit {
            branch: self.branch.name().to_owned(),
            source,
            requests: self.requests.clone(),
        }
    }
}
