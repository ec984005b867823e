use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::PoolError;
use crate::pool::Cell;

/// The services of a pool. What is forgotten is given to the caller, who drops it without a lock.
pub(crate) struct Members<K, M>(HashMap<K, Member<M>>);

struct Member<M> {
    cell: Cell<M>,
    used: Instant,
}

impl<M> Member<M> {
    /// Whether somebody holds it, makes it, or waits for it.
    fn is_held(&self) -> bool {
        let service = self.cell.get();
        Arc::strong_count(&self.cell) > 1
            || service.is_some_and(|service| Arc::strong_count(service) > 1)
    }

    /// Nobody will finish one that nobody makes.
    fn is_idle(&self, now: Instant, idle: Duration) -> bool {
        let is_old = now.saturating_duration_since(self.used) >= idle;
        !self.is_held() && (is_old || self.cell.get().is_none())
    }
}

impl<K: Clone + Eq + Hash, M> Members<K, M> {
    pub(crate) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Finds the place of a key, and makes it if there is room; for that another one may have to be forgotten.
    pub(crate) fn enter(
        &mut self,
        key: &K,
        now: Instant,
        capacity: NonZeroUsize,
    ) -> Result<(Cell<M>, Option<Cell<M>>), PoolError> {
        if let Some(member) = self.0.get_mut(key) {
            member.used = now;
            return Ok((Arc::clone(&member.cell), None));
        }
        let mut forgotten = None;
        if self.0.len() >= capacity.get() {
            let capacity = capacity.get();
            let oldest = self.forget_oldest().ok_or(PoolError::Full { capacity })?;
            forgotten = Some(oldest);
        }
        let cell = Cell::default();
        let member = Member {
            cell: Arc::clone(&cell),
            used: now,
        };
        self.0.insert(key.clone(), member);
        Ok((cell, forgotten))
    }

    pub(crate) fn forget_idle(&mut self, now: Instant, idle: Duration) -> Vec<Cell<M>> {
        let idle = self.0.extract_if(|_, member| member.is_idle(now, idle));
        idle.map(|(_, member)| member.cell).collect()
    }

    /// The one that was asked for longest ago, of those that nobody holds.
    fn forget_oldest(&mut self) -> Option<Cell<M>> {
        let free = self.0.iter().filter(|(_, member)| !member.is_held());
        let (key, _) = free.min_by_key(|(_, member)| member.used)?;
        let key = key.clone();
        self.0.remove(&key).map(|member| member.cell)
    }
}
