use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many children a group has, and whether it takes more: one word, so that a group that was found empty stays
/// empty.
#[derive(Debug)]
pub(crate) struct Census {
    /// How many have not ended, times two, and whether the group is closed.
    alive: AtomicUsize,
    /// How many there have ever been.
    spawned: AtomicUsize,
    limited: AtomicBool,
}

impl Census {
    pub(crate) fn new() -> Self {
        Self {
            alive: AtomicUsize::new(0),
            spawned: AtomicUsize::new(0),
            limited: AtomicBool::new(false),
        }
    }

    /// Adds a child and gives it its number, unless the group is closed.
    ///
    /// Numbers begin anew after four billion: nobody keeps so many outputs, and a group that discards them does not ask.
    pub(crate) fn enter(&self) -> Option<u32> {
        if self.alive.fetch_add(ONE, Ordering::AcqRel) & CLOSED != 0 {
            self.alive.fetch_sub(ONE, Ordering::AcqRel);
            return None;
        }
        Some(self.spawned.fetch_add(1, Ordering::Relaxed) as u32)
    }

    /// Takes a child away; returns whether it was the last.
    pub(crate) fn leave(&self) -> bool {
        self.alive.fetch_sub(ONE, Ordering::AcqRel) & !CLOSED == ONE
    }

    /// Takes no more children if there are none.
    pub(crate) fn close_if_empty(&self) -> bool {
        let closed = self
            .alive
            .compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire);
        matches!(closed, Ok(_) | Err(CLOSED))
    }

    /// Takes no more children.
    pub(crate) fn close(&self) {
        self.alive.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.alive.load(Ordering::Acquire) & CLOSED != 0
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::Acquire) / ONE
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alive() == 0
    }

    pub(crate) fn spawned(&self) -> usize {
        self.spawned.load(Ordering::Relaxed)
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.limited.load(Ordering::Relaxed)
    }

    pub(crate) fn set_limited(&self) {
        self.limited.store(true, Ordering::Relaxed);
    }
}

const CLOSED: usize = 1;
const ONE: usize = 2;
