use std::collections::{HashMap, HashSet};

use crate::archive::Archived;
use crate::ids::Ids;
use crate::prune::Overhead;
use crate::summary::Summaries;
use crate::{Archive, History, SystemPrompt, Turn, TurnId};

/// What changes in a branch.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) system: Option<SystemPrompt>,
    pub(crate) history: History,
    pub(crate) archive: Archive,
    pub(crate) ids: Ids,
    pub(crate) overhead: Overhead,
    pub(crate) summaries: Summaries,
}

impl State {
    pub(crate) fn new(
        system: Option<SystemPrompt>,
        history: History,
        archive: Archive,
        ids: Ids,
    ) -> Self {
        Self {
            system,
            history,
            archive,
            ids,
            overhead: Overhead::default(),
            summaries: Summaries::default(),
        }
    }

    /// Puts `kept` in the place of the history; what is no longer in it goes to the archive, and is told.
    pub(crate) fn keep(&mut self, kept: History) -> Vec<TurnId> {
        let before = std::mem::replace(&mut self.history, kept);
        let mut gone = Vec::new();
        let here = ids(&self.history);
        let mut turns = before.turns().peekable();
        while let Some(turn) = turns.next() {
            if here.contains(&turn.id()) {
                continue;
            }
            gone.push(turn.id());
            self.archive.put(Archived {
                turn: turn.clone(),
                before: turns.peek().map(|next| next.id()),
            });
        }
        gone
    }

    /// Puts a turn back that was before `next`, or before what came after that if it has gone too. If nothing is left of
    /// what came after it, it is the oldest.
    pub(crate) fn put_back(
        &mut self,
        turn: Turn,
        mut next: Option<TurnId>,
        followers: &HashMap<TurnId, TurnId>,
    ) {
        let here = ids(&self.history);
        // No turn is passed twice: there are no more steps than turns.
        for _ in 0..=followers.len() {
            match next {
                Some(id) if !here.contains(&id) => next = followers.get(&id).copied(),
                _ => break,
            }
        }
        let next = next.filter(|id| here.contains(id));
        let oldest = self.history.turns().next().map(Turn::id);
        self.history.insert_before(next.or(oldest), turn);
    }

    /// Which turn came after each of the archive when it left.
    pub(crate) fn followers(&self) -> HashMap<TurnId, TurnId> {
        let entries = self.archive.entries();
        let pairs = entries.filter_map(|entry| Some((entry.turn.id(), entry.before?)));
        pairs.collect()
    }

    /// Whether the turn is in the history or in the archive.
    pub(crate) fn has(&self, id: TurnId) -> bool {
        self.history.turn(id).is_some() || self.archive.turn(id).is_some()
    }
}

fn ids(history: &History) -> HashSet<TurnId> {
    history.turns().map(Turn::id).collect()
}
