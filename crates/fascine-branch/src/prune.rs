//! How much of a conversation is sent, and what becomes of the rest.

mod does_not_fit;
mod fitting;
mod overhead;
mod request;

use std::sync::Arc;

use fascine_message::Message;
use fascine_model::{Request, TokenCounter};

use crate::History;

pub use does_not_fit::{Bound, DoesNotFit};
pub(crate) use fitting::{Fitted, Size};
pub(crate) use overhead::Overhead;

/// How much of its history a branch sends and keeps.
///
/// What is over a bound leaves by whole turns, the oldest first: a tool call stays with its result. Pinned turns and
/// the system prompt stay, and count; [summaries](crate::Summarise) go last. Turns that are not sent leave the history for the [archive](crate::Archive) when
/// the turn for which they made room commits; if it comes to nothing, they are still there.
///
/// Bounds add up: all of them hold.
///
/// - The bound on **messages** and the one on **turns** hold for what is sent, the new message included and the system
///   prompt not, and again for what is kept once the answer is there. The latest turn stays, whatever its length.
/// - The bound on **tokens** holds for the whole request: system prompt, tools, schema of the answer, history, the new
///   message, and the room that is kept for the answer. Each message is counted once and remembers.
///
/// # Defaults
///
/// - no bounds
/// - no more room for the answer than the request's `max_tokens`, if it has one
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, Prune};
/// use fascine_model::{EchoModel, EstimatedTokens};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let prune = Prune::tokens(8_192, EstimatedTokens::default()).with_reserve(1_024).with_turns(2);
/// let branch = Branch::builder(&rt, "chat", EchoModel).prune(prune).build();
/// for text in ["one", "two", "three"] {
///     branch.communicate(text).await.unwrap();
/// }
/// assert_eq!(branch.history().turns().len(), 2);
/// assert_eq!(branch.archive().len(), 1);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Prune {
    messages: Option<usize>,
    turns: Option<usize>,
    tokens: Option<Tokens>,
    reserve: u64,
}

#[derive(Clone, Debug)]
struct Tokens {
    window: u64,
    counter: Arc<dyn TokenCounter>,
}

impl Prune {
    /// Sends and keeps at most so many messages.
    #[must_use]
    pub fn messages(max: usize) -> Self {
        Self::default().with_messages(max)
    }

    /// Sends and keeps at most so many turns.
    #[must_use]
    pub fn turns(max: usize) -> Self {
        Self::default().with_turns(max)
    }

    /// Sends at most so many tokens, less the room that is kept for the answer: the size of the model's window.
    #[must_use]
    pub fn tokens(window: u64, counter: impl TokenCounter) -> Self {
        Self::default().with_tokens(window, counter)
    }

    /// Bounds the messages, too.
    #[must_use]
    pub fn with_messages(mut self, max: usize) -> Self {
        self.messages = Some(max);
        self
    }

    /// Bounds the turns, too.
    #[must_use]
    pub fn with_turns(mut self, max: usize) -> Self {
        self.turns = Some(max);
        self
    }

    /// Bounds the tokens, too.
    #[must_use]
    pub fn with_tokens(mut self, window: u64, counter: impl TokenCounter) -> Self {
        self.tokens = Some(Tokens {
            window,
            counter: Arc::new(counter),
        });
        self
    }

    /// Sets how many tokens are kept for the answer. A request that lets its answer be longer keeps more.
    #[must_use]
    pub fn with_reserve(mut self, tokens: u64) -> Self {
        self.reserve = tokens;
        self
    }

    /// What of `history` goes with `said` into a request that is otherwise `frame`: the system prompt and the tools.
    pub(crate) fn for_request(
        &self,
        history: &History,
        said: &[Message],
        frame: &Request,
        overhead: &mut Overhead,
    ) -> Result<Fitted, DoesNotFit> {
        let answer = frame.max_tokens.map_or(0, u64::from).max(self.reserve);
        let mut own = Size::of_messages(said, self.counter());
        own.turns = 1;
        if let Some(counter) = self.counter() {
            let frame = overhead.count(counter, frame);
            own.tokens = own.tokens.saturating_add(frame).saturating_add(answer);
        }
        let fitted = Fitted::new(history, own, self);
        match self.exceeded(fitted.size) {
            Some(bound) => Err(DoesNotFit::new(bound, answer)),
            None => Ok(fitted),
        }
    }

    /// What of `history` stays when a turn of so many messages has come to it.
    pub(crate) fn for_commit(&self, history: &History, messages: usize) -> Fitted {
        let own = Size {
            turns: 1,
            messages,
            tokens: 0,
        };
        let counted = Self {
            tokens: None,
            ..self.clone()
        };
        Fitted::new(history, own, &counted)
    }

    fn counter(&self) -> Option<&dyn TokenCounter> {
        self.tokens.as_ref().map(|tokens| &*tokens.counter)
    }

    /// The bound that something of this size is over.
    fn exceeded(&self, size: Size) -> Option<Bound> {
        let over = |needed: usize, limit: Option<usize>| limit.filter(|limit| needed > *limit);
        if let Some(limit) = over(size.turns, self.turns) {
            let needed = size.turns;
            return Some(Bound::Turns { needed, limit });
        }
        if let Some(limit) = over(size.messages, self.messages) {
            let needed = size.messages;
            return Some(Bound::Messages { needed, limit });
        }
        let window = self.tokens.as_ref().map(|tokens| tokens.window);
        let limit = window.filter(|window| size.tokens > *window)?;
        let needed = size.tokens;
        Some(Bound::Tokens { needed, limit })
    }
}
