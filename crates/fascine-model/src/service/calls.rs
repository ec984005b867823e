use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use fascine_concurrency::Event;

use super::stage::Stage;
use crate::Stats;

/// The calls that are in a service: what they wait for, whom to wake to cancel them, and how they ended.
///
/// Calls belong to generations: closing ends one, reopening begins another, and whoever closed waits for the old alone.
/// No waker is woken, cloned or dropped while the lock is held.
pub(crate) struct Calls {
    /// Calls of this generation and of all before it are cancelled. Changes under the lock alone.
    cancelled: AtomicU64,
    state: Mutex<State>,
}

struct State {
    stats: Stats,
    /// The last one is the present; of the others, those that still have calls.
    generations: VecDeque<Generation>,
    entries: Vec<Entry>,
    free: Vec<usize>,
    waiting: usize,
}

struct Generation {
    number: u64,
    live: usize,
    closed: bool,
    drained: Arc<Event>,
}

#[derive(Default)]
struct Entry {
    /// 0 while nobody has it.
    id: u64,
    generation: u64,
    waker: Option<Waker>,
    wait: Option<Wait>,
    /// The number of the call that it shares: what that waits for, it waits for.
    follows: Option<u64>,
}

/// What a call waits for, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) since: Instant,
    pub(crate) stage: Stage,
}

/// A place among the calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) id: u64,
    pub(crate) generation: u64,
    index: usize,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self {
            cancelled: AtomicU64::new(0),
            state: Mutex::new(State {
                stats: Stats::default(),
                generations: VecDeque::from([Generation::new(1)]),
                entries: Vec::new(),
                free: Vec::new(),
                waiting: 0,
            }),
        }
    }

    /// Lets a call in; `None` when the service is closed.
    pub(crate) fn enter(&self) -> Option<Key> {
        let mut state = self.lock();
        let generation = state.generations.back_mut()?;
        if generation.closed {
            return None;
        }
        generation.live += 1;
        let generation = generation.number;
        state.stats.calls += 1;
        let id = state.stats.calls;
        Some(state.place(id, generation))
    }

    /// A place for what is done for a call that is in. It belongs to no generation: it ends with whoever drives it.
    pub(crate) fn enter_inside(&self, id: u64) -> Key {
        self.lock().place(id, NEVER)
    }

    /// Lets a call out, and counts how it ended.
    pub(crate) fn leave(&self, key: Key, count: impl FnOnce(&mut Stats)) {
        let mut state = self.lock();
        count(&mut state.stats);
        let entry = mem::take(&mut state.entries[key.index]);
        state.waiting -= usize::from(is_queued(&entry));
        state.free.push(key.index);
        let drained = state.left(key.generation);
        drop(state);
        drop(entry);
        if let Some(drained) = drained {
            drained.set();
        }
    }

    pub(crate) fn is_cancelled(&self, generation: u64) -> bool {
        self.cancelled.load(Ordering::Acquire) >= generation
    }

    /// Remembers whom to wake when the call is cancelled; whether it is already.
    pub(crate) fn watch(&self, key: Key, waker: Waker) -> bool {
        let mut state = self.lock();
        let before = state.entries[key.index].waker.replace(waker);
        drop(state);
        drop(before);
        // Looked at after the waker is in: who cancels later finds it.
        self.is_cancelled(key.generation)
    }

    /// A call begins to wait; false when `capacity` wait in queues already and this would be another.
    pub(crate) fn begin_wait(&self, key: Key, wait: Wait, capacity: usize) -> bool {
        let mut state = self.lock();
        let is_queued = wait.stage.is_queue();
        if is_queued && state.waiting >= capacity {
            return false;
        }
        state.end_wait(key);
        state.waiting += usize::from(is_queued);
        state.entries[key.index].wait = Some(wait);
        true
    }

    pub(crate) fn end_wait(&self, key: Key) {
        self.lock().end_wait(key);
    }

    /// A call shares what is done for another.
    pub(crate) fn follow(&self, key: Key, other: u64) {
        self.lock().entries[key.index].follows = Some(other);
    }

    /// How many wait in queues.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// What the call of that number waits for.
    pub(crate) fn wait_of(&self, id: u64) -> Option<Wait> {
        let state = self.lock();
        let own = |id| state.entries.iter().filter(move |entry| entry.id == id);
        let wait = own(id).find_map(|entry| entry.wait.as_ref());
        let followed = || own(id).find_map(|entry| entry.follows);
        wait.or_else(|| own(followed()?).find_map(|entry| entry.wait.as_ref()))
            .cloned()
    }

    /// All that wait, with their numbers, in the order in which they came.
    pub(crate) fn waits(&self) -> Vec<(u64, Wait)> {
        let state = self.lock();
        let mut by_id: HashMap<u64, &Wait> = HashMap::new();
        for entry in &state.entries {
            if let Some(wait) = &entry.wait {
                by_id.entry(entry.id).or_insert(wait);
            }
        }
        // What is done inside of a call waits for it, and for those that share it.
        let calls = state.entries.iter();
        let calls = calls.filter(|entry| entry.id != 0 && entry.generation != NEVER);
        let mut waits = Vec::new();
        for call in calls {
            let followed = || by_id.get(&call.follows?);
            if let Some(wait) = by_id.get(&call.id).or_else(followed) {
                waits.push((call.id, (*wait).clone()));
            }
        }
        drop(by_id);
        drop(state);
        waits.sort_unstable_by_key(|(id, _)| *id);
        waits
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Stats)) {
        count(&mut self.lock().stats);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats
    }

    /// Lets nobody in any more; what is told when all are out.
    pub(crate) fn close(&self) -> Vec<Arc<Event>> {
        let mut state = self.lock();
        if let Some(generation) = state.generations.back_mut() {
            generation.closed = true;
        }
        let live = state.generations.iter();
        let live = live.filter(|generation| generation.live > 0);
        live.map(|generation| Arc::clone(&generation.drained))
            .collect()
    }

    /// Wakes all that are in, to find out that they are cancelled.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        let last = state.generations.back().map_or(0, |last| last.number);
        self.cancelled.store(last, Ordering::Release);
        let entries = state.entries.iter_mut();
        let wakers: Vec<Waker> = entries.filter_map(|entry| entry.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets calls in again.
    pub(crate) fn reopen(&self) {
        let mut state = self.lock();
        let Some(last) = state.generations.back() else {
            return;
        };
        if last.closed {
            let next = Generation::new(last.number + 1);
            state.generations.push_back(next);
            state.generations.retain_used();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        let state = self.lock();
        state.generations.back().is_none_or(|last| last.closed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn place(&mut self, id: u64, generation: u64) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            self.entries.len() - 1
        });
        let entry = &mut self.entries[index];
        (entry.id, entry.generation) = (id, generation);
        Key {
            id,
            generation,
            index,
        }
    }

    fn end_wait(&mut self, key: Key) {
        let entry = &mut self.entries[key.index];
        self.waiting -= usize::from(is_queued(entry));
        entry.wait = None;
    }

    /// Counts a call out of its generation; whom to tell if it was the last of a closed one.
    fn left(&mut self, number: u64) -> Option<Arc<Event>> {
        let mut generations = self.generations.iter_mut();
        let generation = generations.find(|generation| generation.number == number)?;
        generation.live -= 1;
        if generation.live > 0 || !generation.closed {
            return None;
        }
        let drained = Arc::clone(&generation.drained);
        self.generations.retain_used();
        Some(drained)
    }
}

/// Forgets what is of no use any more.
trait RetainUsed {
    fn retain_used(&mut self);
}

impl RetainUsed for VecDeque<Generation> {
    fn retain_used(&mut self) {
        let last = self.back().map_or(0, |last| last.number);
        self.retain(|generation| generation.live > 0 || generation.number == last);
    }
}

impl Generation {
    fn new(number: u64) -> Self {
        Self {
            number,
            live: 0,
            closed: false,
            drained: Arc::default(),
        }
    }
}

fn is_queued(entry: &Entry) -> bool {
    let wait = entry.wait.as_ref();
    wait.is_some_and(|wait| wait.stage.is_queue())
}

/// A generation that is never closed.
const NEVER: u64 = u64::MAX;
