use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Waker;

use crate::desk::Desk;
use crate::run_state::{Effects, RunState};
use crate::sync::{Mutex, MutexGuard};
use crate::worker::Crew;

/// A run and all runs nested in it, to be suspended together.
#[derive(Default)]
pub(crate) struct Suspension {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    crews: BTreeMap<u64, Weak<Crew>>,
    next: u64,
    /// How often a run came or went.
    changes: u64,
    is_suspended: bool,
}

impl Suspension {
    /// A run begins: it is suspended with the others from now on.
    pub(crate) fn enter<'a>(&'a self, crew: &Arc<Crew>) -> Entered<'a> {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.changes += 1;
        state.crews.insert(number, Arc::downgrade(crew));
        let is_suspended = state.is_suspended;
        drop(state);
        if is_suspended {
            crew.change(RunState::suspend);
        }
        Entered {
            suspension: self,
            number,
        }
    }

    /// No more steps begin, and none waits for an answer any more.
    pub(crate) fn suspend(&self, desk: &Desk) {
        let mut wakers = Vec::new();
        desk.suspend(&mut wakers);
        self.suspend_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Suspends the runs if nothing goes on in any of them but the waiting for answers.
    ///
    /// They are looked at one after the other. What goes on afterwards can only have begun with an answer, which the desk
    /// knows, or with a run that came or went, which is counted.
    pub(crate) fn suspend_if_waiting(&self, desk: &Desk) {
        if !desk.is_asking() {
            return;
        }
        let (crews, changes) = self.snapshot();
        let mut nesting: HashMap<*const Crew, HashSet<u32>> = HashMap::new();
        for crew in &crews {
            if let Some((parent, step)) = crew.site.place() {
                nesting.entry(Arc::as_ptr(parent)).or_default().insert(step);
            }
        }
        let mut away = 0;
        for crew in &crews {
            let waiting = nesting.get(&Arc::as_ptr(crew)).map_or(0, HashSet::len);
            match crew.change_only(&mut Effects::default(), |state| state.asking(waiting)) {
                Some(asking) => away += asking,
                None => return,
            }
        }
        let is_same = self.lock().changes == changes;
        let mut wakers = Vec::new();
        if is_same && desk.suspend_if_waiting(away, &mut wakers) {
            self.suspend_all();
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    fn suspend_all(&self) {
        self.lock().is_suspended = true;
        for crew in self.snapshot().0 {
            crew.change(RunState::suspend);
        }
    }

    fn snapshot(&self) -> (Vec<Arc<Crew>>, u64) {
        let state = self.lock();
        let crews = state.crews.values().filter_map(Weak::upgrade).collect();
        (crews, state.changes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is suspended with the others, until this is dropped.
pub(crate) struct Entered<'a> {
    suspension: &'a Suspension,
    number: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut state = self.suspension.lock();
        state.changes += 1;
        let crew = state.crews.remove(&self.number);
        drop(state);
        drop(crew);
    }
}

impl fmt::Debug for Suspension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Suspension")
            .field("runs", &state.crews.len())
            .field("is_suspended", &state.is_suspended)
            .finish_non_exhaustive()
    }
}
