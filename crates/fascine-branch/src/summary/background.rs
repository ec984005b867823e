use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use fascine_rt::{Rt, Task};

use super::segment::due;
use super::{Summarise, Summariser, turn};
use crate::state::State;
use crate::{Branch, BranchEvent, History, Turn, TurnId};

/// The summaries of a branch that are being made, or were not.
#[derive(Default)]
pub(crate) struct Summaries {
    /// One at a time. It ends with the branch.
    running: Option<Task<()>>,
    /// How many were begun or stopped: one that was stopped too late knows by it.
    generation: u64,
    /// The turns of which there was no summary. They are not tried again.
    pub(super) given_up: HashSet<TurnId>,
    /// The turns of the archive that nobody has summed up, oldest first; none until somebody has looked.
    pub(super) pruned: Option<Vec<TurnId>>,
}

impl Summaries {
    /// Makes the one that is being made stop; whoever gets it drops it outside of locks.
    #[must_use]
    pub(crate) fn stop(&mut self) -> Option<Task<()>> {
        self.pruned = None;
        self.generation += 1;
        self.running.take()
    }

    /// Tells of turns that have gone to the archive.
    pub(crate) fn pruned(&mut self, turns: &[TurnId]) {
        if let Some(pruned) = &mut self.pruned {
            pruned.extend(turns);
        }
    }
}

impl fmt::Debug for Summaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summaries")
            .field("running", &self.running.is_some())
            .field("given_up", &self.given_up)
            .finish_non_exhaustive()
    }
}

impl Branch {
    /// Begins with the oldest segment that is due. Whoever calls it holds the turn lock.
    pub(crate) fn summarise_what_is_due(&self) {
        let Some(summarise) = &self.settings().summarise else {
            return;
        };
        let (segment, generation) = {
            let mut state = self.state();
            if state.summaries.running.is_some() {
                return;
            }
            let Some(segment) = due(&mut state, summarise) else {
                return;
            };
            state.summaries.generation += 1;
            (segment, state.summaries.generation)
        };
        let work = self.summarised(segment, generation, summarise);
        let task = self.rt().spawn(work);
        // It cannot have ended: it waits for the turn, which is ours.
        self.state().summaries.running = Some(task);
    }

    /// Makes a summary and puts it in its place. It holds no branch while it waits.
    fn summarised(
        &self,
        segment: Vec<Turn>,
        generation: u64,
        summarise: &Summarise,
    ) -> impl Future<Output = ()> + Send + use<> {
        let branch = self.downgrade();
        let (rt, turn) = (self.rt().clone(), Arc::clone(self.turn_lock()));
        let summariser = Arc::clone(&summarise.summariser);
        async move {
            let made = made(&rt, summariser, segment.clone()).await;
            let made = made.map_err(|error| reason(&*error));
            let _turn = turn.lock_arc().await;
            if let Some(branch) = branch.upgrade() {
                branch.settle(&segment, generation, made);
            }
        }
    }

    /// What is left to do when a summary was made, or was not. The turn lock is held.
    fn settle(&self, segment: &[Turn], generation: u64, made: Result<String, String>) {
        let ids = || segment.iter().map(Turn::id);
        let (own_task, event) = {
            let mut state = self.state();
            if state.summaries.generation != generation {
                return;
            }
            let own_task = state.summaries.running.take();
            let event = match made {
                Ok(text) if ids().all(|id| state.has(id)) => {
                    Some(put_in_place(&mut state, segment, text))
                }
                // Somebody has taken turns out that the summary would bring back.
                Ok(_) => {
                    state.summaries.pruned = None;
                    None
                }
                Err(reason) => {
                    state.summaries.given_up.extend(ids());
                    let turns = ids().collect();
                    Some(BranchEvent::SummaryFailed { turns, reason })
                }
            };
            (own_task, event)
        };
        // It has nothing left to do that could be cancelled.
        drop(own_task);
        if let Some(event) = event {
            self.emit(|| event);
        }
        self.summarise_what_is_due();
    }
}

/// Makes a summary, in a task of its own: a panic of somebody else's ends there.
pub(crate) async fn made(
    rt: &Rt,
    summariser: Arc<dyn Summariser>,
    turns: Vec<Turn>,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let made = rt.spawn(async move { summariser.summarise(turns).await });
    made.await?
}

/// Puts the summary in where its segment is, or was. What of the segment is still there goes to the archive, unless it
/// was pinned meanwhile.
fn put_in_place(state: &mut State, segment: &[Turn], text: String) -> BranchEvent {
    let ids: HashSet<TurnId> = segment.iter().map(Turn::id).collect();
    let goes = |turn: &Turn| ids.contains(&turn.id()) && !turn.is_pinned();
    let summary = turn(state, segment, text);
    let mut kept = History::new();
    let mut is_in_place = false;
    for turn in state.history.turns() {
        match goes(turn) {
            true if is_in_place => {}
            true => {
                kept.push(summary.clone());
                is_in_place = true;
            }
            false => kept.push(turn.clone()),
        }
    }
    state.keep(kept);
    if !is_in_place {
        let followers = state.followers();
        let first = segment.first().and_then(|turn| followers.get(&turn.id()));
        state.put_back(summary.clone(), first.copied(), &followers);
    }
    BranchEvent::Summarised { summary }
}

/// What an error says, with its causes.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(": ");
        said.push_str(&error.to_string());
        cause = error.source();
    }
    said
}
