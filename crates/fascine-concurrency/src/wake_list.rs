//! The list of children that asked to be polled. It is modelled under loom, hence its own primitives.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, lock};

/// The children that asked to be polled, in order, and whom to tell.
///
/// No waker is woken or dropped while the lock is held: either may run foreign code.
#[derive(Debug, Default)]
pub(crate) struct WakeList {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<usize>,
    parent: Option<Waker>,
}

impl WakeList {
    /// Swaps the woken keys with the empty `batch`, and stores whom the next wake tells.
    pub(crate) fn take_into(&self, batch: &mut Vec<usize>, parent: &Waker) {
        let replaced = {
            let mut state = self.lock();
            std::mem::swap(&mut state.keys, batch);
            store(&mut state.parent, parent)
        };
        drop(replaced);
    }

    /// Stores whom the next wake tells.
    pub(crate) fn register(&self, parent: &Waker) {
        let replaced = store(&mut self.lock().parent, parent);
        drop(replaced);
    }

    /// Adds a key and tells the parent.
    pub(crate) fn push(&self, key: usize) {
        let parent = {
            let mut state = self.lock();
            state.keys.push(key);
            state.parent.take()
        };
        if let Some(parent) = parent {
            parent.wake();
        }
    }

    /// Returns whether no key is waiting.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().keys.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn store(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(stored) if stored.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}

/// The waker of one child: puts its key on the list once for each poll.
#[derive(Debug)]
pub(crate) struct Slot {
    key: usize,
    list: Arc<WakeList>,
    queued: AtomicBool,
}

impl Slot {
    /// Makes the slot of a child, out of `spare` if nobody else holds that one any more.
    pub(crate) fn for_key(key: usize, spare: Option<Arc<Self>>, list: &Arc<WakeList>) -> Arc<Self> {
        if let Some(mut spare) = spare
            && let Some(slot) = Arc::get_mut(&mut spare)
        {
            slot.key = key;
            return spare;
        }
        Arc::new(Self {
            key,
            list: Arc::clone(list),
            queued: AtomicBool::new(false),
        })
    }

    /// Says that the child is about to be polled: a wake from here on asks for another poll.
    pub(crate) fn taken(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }
}

impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.list.push(self.key);
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn no_wake_is_lost_between_taking_the_batch_and_going_to_sleep() {
        loom::model(|| {
            let list = Arc::new(WakeList::default());
            let slots = [0, 1].map(|key| Slot::for_key(key, None, &list));
            let parent = Arc::new(Count(AtomicUsize::new(0)));
            let waker = Waker::from(Arc::clone(&parent));
            let mut batch = Vec::new();
            list.take_into(&mut batch, &waker);
            let wakers = slots.map(|slot| {
                slot.taken();
                loom::thread::spawn(move || slot.wake())
            });
            // The parent polls once beside the wakes: what it does not see now must wake it later.
            list.take_into(&mut batch, &waker);
            let seen = batch.len();
            for waker in wakers {
                waker.join().unwrap();
            }
            let mut rest = Vec::new();
            list.take_into(&mut rest, &waker);
            assert_eq!(seen + rest.len(), 2, "a wake was lost or doubled");
            assert!(
                rest.is_empty() || parent.0.load(SeqCst) > 0,
                "the parent sleeps on"
            );
        });
    }

    #[test]
    fn a_wake_during_a_poll_asks_for_another_one() {
        loom::model(|| {
            let list = Arc::new(WakeList::default());
            let slot = Slot::for_key(7, None, &list);
            let waker = Waker::from(Arc::new(Count(AtomicUsize::new(0))));
            Arc::clone(&slot).wake();
            let other = {
                let slot = Arc::clone(&slot);
                loom::thread::spawn(move || slot.wake())
            };
            let mut polls = 0;
            let mut batch = Vec::new();
            list.take_into(&mut batch, &waker);
            for _ in batch.drain(..) {
                slot.taken();
                polls += 1;
            }
            other.join().unwrap();
            list.take_into(&mut batch, &waker);
            // The other wake was either seen by the poll that came after it, or asks for one more.
            assert!(polls == 1 && batch.len() <= 1);
        });
    }
}
