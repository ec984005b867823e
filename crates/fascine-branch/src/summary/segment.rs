use super::{Summarise, summed_up};
use crate::Turn;
use crate::state::State;

/// The oldest turns that nobody has summed up, if there are enough of them: those that were pruned, and those of the
/// history that are long ago. Earlier summaries that come before them go with them, so that there are never many.
pub(super) fn due(state: &mut State, summarise: &Summarise) -> Option<Vec<Turn>> {
    let (history, archive) = (&state.history, &state.archive);
    let pruned = state.summaries.pruned.get_or_insert_with(|| {
        let done = summed_up(history, archive);
        let turns = archive.turns().map(Turn::id);
        turns.filter(|id| !done.contains(id)).collect()
    });
    let segment = summarise.segment.get();
    let old = history.turns().len().saturating_sub(summarise.recent);
    if pruned.len() + old < segment {
        return None;
    }
    let done = summed_up(history, archive);
    let given_up = &state.summaries.given_up;
    let is_free = |turn: &&Turn| {
        !turn.is_pinned() && !done.contains(&turn.id()) && !given_up.contains(&turn.id())
    };
    let old: Vec<&Turn> = history.turns().take(old).filter(is_free).collect();
    let summaries = old.iter().take_while(|turn| turn.is_summary()).count();
    let (summaries, old) = old.split_at(summaries);
    let archived = pruned.iter().filter_map(|id| archive.turn(*id));
    let turns = summaries.iter().copied();
    let turns = turns
        .chain(archived.filter(is_free))
        .chain(old.iter().copied());
    // A summary alone is not summed up: it would never end.
    let mut said = 0;
    let mut due = Vec::new();
    for turn in turns {
        said += usize::from(!turn.is_summary());
        due.push(turn.clone());
        if said == segment {
            pruned.retain(|id| due.iter().all(|turn| turn.id() != *id));
            return Some(due);
        }
    }
    None
}
