use crate::sync::atomic::{AtomicUsize, Ordering};

/// Counts how many are somewhere, and admits no more than a limit.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: AtomicUsize,
}

/// One of them; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    places: &'a Places,
}

impl Places {
    /// Takes a place if fewer than `limit` are taken; otherwise tells how many are.
    pub(crate) fn enter(&self, limit: usize) -> Result<Place<'_>, usize> {
        let one_more = |taken| if taken < limit { Some(taken + 1) } else { None };
        // The counter guards nothing but itself.
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .map(|_| Place { places: self })
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
