//! Counts what is there at one time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// How many things are there, and how many there were at most.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    pub(crate) fn enter(&self) -> Entered {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        Entered(self.clone())
    }

    pub(crate) fn peak(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    pub(crate) fn now(&self) -> usize {
        self.0.0.load(SeqCst)
    }
}

pub(crate) struct Entered(Gauge);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
    }
}
