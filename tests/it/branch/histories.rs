//! Histories to test with.

use fascine::branch::{Branch, History, Turn, TurnId};
use fascine::message::{Message, MessageId, Part, Role, Timestamp, ToolCall};
use proptest::prelude::*;

/// A question and its answer, as many times.
pub(super) fn plain(turns: usize) -> History {
    (0..turns)
        .map(|number| turn(number as u128 + 1, &format!("message {number}")))
        .collect()
}

/// A question and its answer.
pub(super) fn turn(id: u128, text: &str) -> Turn {
    let said = [Message::user(text), Message::assistant(text)];
    Turn::new(TurnId::from_u128(id), said)
}

/// A question, a call of a tool, what came of it, and the answer.
pub(super) fn turn_with_tool(id: u128, text: &str) -> Turn {
    let call = ToolCall::new(format!("call-{id}"), "look", "{}");
    let said = [
        Message::user(text),
        Message::new(Role::Assistant, vec![Part::ToolCall(call)]),
        Message::tool(format!("call-{id}"), text),
        Message::assistant(text),
    ];
    Turn::new(TurnId::from_u128(id), said)
}

/// The turn, with all that was said at `at`.
pub(super) fn at(turn: &Turn, at: u64) -> Turn {
    let at = Timestamp::from_unix_millis(at);
    let said = turn.messages().iter().cloned();
    let said = said.map(|message| message.with_timestamp(at));
    Turn::new(turn.id(), said).with_pinned(turn.is_pinned())
}

/// Any history of turns that a branch may have, with ids from `first`.
pub(super) fn any_history(first: u128, max: usize) -> impl Strategy<Value = History> {
    let one = (any::<bool>(), 0..5_u8, "[a-z ]{0,40}", 0..50_u64);
    proptest::collection::vec(one, 0..max).prop_map(move |turns| {
        let turns = turns.into_iter().enumerate();
        let turns = turns.map(|(number, (has_tool, pin, text, time))| {
            let id = first + number as u128;
            let turn = match has_tool {
                true => turn_with_tool(id, &text),
                false => turn(id, &text),
            };
            at(&turn, time).with_pinned(pin == 0)
        });
        turns.collect()
    })
}

/// The ids of the turns, oldest first.
pub(super) fn ids(history: &History) -> Vec<u128> {
    history.turns().map(|turn| turn.id().as_u128()).collect()
}

/// What was said, oldest first.
pub(super) fn texts(branch: &Branch) -> Vec<String> {
    let history = branch.history();
    history.iter().map(|message| message.text()).collect()
}

/// What must be true of every history of a branch: each turn is there once, each message has one id, and no tool call
/// is without its result.
pub(super) fn assert_whole(history: &History) {
    let mut turns = std::collections::HashSet::new();
    let mut messages = std::collections::HashSet::new();
    for turn in history.turns() {
        assert!(turns.insert(turn.id()), "turn {} is there twice", turn.id());
        assert_eq!(turn.unpaired(), None);
        for message in turn.messages() {
            let is_new = message.id() == MessageId::NIL || messages.insert(message.id());
            assert!(is_new, "message {} is there twice", message.id());
        }
    }
    assert_eq!(history.len(), history.iter().count());
}
