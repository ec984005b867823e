use std::time::{Duration, Instant};

use crate::QuotaStore;
use crate::limiter::memory_store::MemoryStore;

/// The default store is called without a detour.
pub(crate) enum Store {
    Memory(MemoryStore),
    Other(Box<dyn QuotaStore>),
}

impl Store {
    #[inline]
    pub(super) fn try_take(
        &mut self,
        now: Instant,
        amounts: &[u64],
        tickets: &mut [u64],
    ) -> Result<(), Instant> {
        match self {
            Self::Memory(store) => store.try_take(now, amounts, tickets),
            // A time that has come would be asked for again and again.
            Self::Other(store) => store
                .try_take(now, amounts, tickets)
                .map_err(|at| at.max(now + SOON)),
        }
    }

    pub(crate) fn get(&mut self) -> &mut dyn QuotaStore {
        match self {
            Self::Memory(store) => store,
            Self::Other(store) => &mut **store,
        }
    }
}

const SOON: Duration = Duration::from_millis(1);
