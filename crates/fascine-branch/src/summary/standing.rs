//! Summaries as turns, and what they stand for.

use std::collections::{HashMap, HashSet};

use fascine_message::Message;

use crate::state::State;
use crate::{Archive, History, Turn, TurnId, TurnKind};

/// The turn that stands for `segment`. It is as old as the segment, so that it stays in its place among others.
pub(crate) fn turn(state: &mut State, segment: &[Turn], text: String) -> Turn {
    let message = Message::user(text).with_id(state.ids.message());
    let message = match segment.iter().find_map(Turn::timestamp) {
        Some(at) => message.with_timestamp(at),
        None => message,
    };
    let of = segment.iter().map(Turn::id).collect();
    Turn::new(state.ids.turn(), [message]).with_kind(TurnKind::Summary { of })
}

/// The turns for which summaries stand.
pub(crate) fn summed_up(history: &History, archive: &Archive) -> HashSet<TurnId> {
    let turns = history.turns().chain(archive.turns());
    let summaries = turns.filter_map(|turn| match turn.kind() {
        TurnKind::Summary { of } => Some(of),
        _ => None,
    });
    summaries.flatten().copied().collect()
}

/// The turns that were said of which `turn` is made: itself, or what it sums up, as far as the archive knows.
pub(crate) fn originals(turn: &Turn, archive: &HashMap<TurnId, &Turn>) -> Vec<TurnId> {
    let TurnKind::Summary { of } = turn.kind() else {
        return vec![turn.id()];
    };
    let mut said = Vec::new();
    let mut seen = HashSet::new();
    let mut left = of.clone();
    while let Some(id) = left.pop() {
        match archive.get(&id).map(|turn| turn.kind()) {
            _ if !seen.insert(id) => {}
            Some(TurnKind::Summary { of }) => left.extend(of),
            _ => said.push(id),
        }
    }
    said
}
