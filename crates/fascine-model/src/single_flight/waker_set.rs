use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The wakers of all that wait for one future, and the waker that the future gets.
///
/// It wakes all of them: one that was chosen alone might not be polled for a long time, and hold up the others.
#[derive(Debug, Default)]
pub(crate) struct WakerSet {
    next: AtomicU64,
    /// Something has happened that those who wait now may not know.
    news: AtomicBool,
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl WakerSet {
    /// A number for one that may wait.
    pub(crate) fn enter(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn register(&self, place: u64, waker: &Waker) {
        let is_known = |known: &Waker| known.will_wake(waker);
        if self.lock().get(&place).is_some_and(is_known) {
            return;
        }
        let waker = waker.clone();
        // The former one is dropped after the lock.
        let _former = self.lock().insert(place, waker);
    }

    pub(crate) fn leave(&self, place: u64) {
        let _waker = self.lock().remove(&place);
    }

    pub(crate) fn note_news(&self) {
        self.news.store(true, Ordering::SeqCst);
    }

    /// Wakes all but one, if there is news.
    pub(crate) fn tell_others(&self, place: u64) {
        if self.news.swap(false, Ordering::SeqCst) {
            self.wake_all_but(Some(place));
        }
    }

    pub(crate) fn wake_all_but(&self, place: Option<u64>) {
        let mut waiting = self.lock();
        let mut wakers = mem::take(&mut *waiting);
        if let Some(place) = place
            && let Some(own) = wakers.remove(&place)
        {
            waiting.insert(place, own);
        }
        drop(waiting);
        wakers.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for WakerSet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.note_news();
        self.wake_all_but(None);
    }
}
