use std::collections::HashSet;

use fascine_message::Message;
use fascine_model::TokenCounter;

use super::Prune;
use crate::{History, Turn};

/// How large something is, in everything that may be bounded. Tokens are 0 if nobody counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) turns: usize,
    pub(crate) messages: usize,
    pub(crate) tokens: u64,
}

impl Size {
    pub(crate) fn of_messages<'a>(
        messages: impl IntoIterator<Item = &'a Message>,
        counter: Option<&dyn TokenCounter>,
    ) -> Self {
        let mut size = Self::default();
        for message in messages {
            size.messages += 1;
            let tokens = counter.map_or(0, |counter| counter.count_message(message));
            size.tokens = size.tokens.saturating_add(tokens);
        }
        size
    }

    fn of_history(history: &History, counter: Option<&dyn TokenCounter>) -> Self {
        let tokens = counter.map_or(0, |counter| {
            let messages = history.iter();
            let tokens = messages.map(|message| counter.count_message(message));
            tokens.fold(0, u64::saturating_add)
        });
        Self {
            turns: history.turns().len(),
            messages: history.len(),
            tokens,
        }
    }

    fn of_turn(turn: &Turn, counter: Option<&dyn TokenCounter>) -> Self {
        let messages = Self::of_messages(turn.messages(), counter);
        Self {
            turns: 1,
            ..messages
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            turns: self.turns + other.turns,
            messages: self.messages + other.messages,
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }

    /// What is left when a part of it goes.
    fn minus(self, part: Self) -> Self {
        Self {
            turns: self.turns - part.turns,
            messages: self.messages - part.messages,
            tokens: self.tokens.saturating_sub(part.tokens),
        }
    }
}

/// What is left of a history when as many of its oldest turns have gone as must, or as can.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) kept: History,
    /// How large it all is: what is kept, and what stays anyway.
    pub(crate) size: Size,
}

impl Fitted {
    /// Prunes `history`, to which something of the size `own` comes that stays.
    pub(super) fn new(history: &History, own: Size, prune: &Prune) -> Self {
        let counter = prune.counter();
        let mut size = own.plus(Size::of_history(history, counter));
        let mut gone = HashSet::new();
        // Summaries go last: they are what is left of others.
        for is_summary in [false, true] {
            for turn in history.turns() {
                let may_go = !turn.is_pinned() && turn.is_summary() == is_summary;
                if may_go && prune.exceeded(size).is_some() {
                    size = size.minus(Size::of_turn(turn, counter));
                    gone.insert(turn.id());
                }
            }
        }
        let stays = |turn: &&Turn| !gone.contains(&turn.id());
        let kept = match gone.is_empty() {
            true => history.clone(),
            false => history.turns().filter(stays).cloned().collect(),
        };
        Self { kept, size }
    }
}
