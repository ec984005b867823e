use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::places::{Place, Places};

/// Refuses work at the door when there is too much of it already, the least important first.
///
/// Nobody waits: a call is let in or refused at once. What may be inside when a call of some [`Priority`] comes is a
/// share of the capacity, so that the last places are kept for what matters most. Clones are the same door.
///
/// It counts; it does not measure. Put it where requests enter a program; in front of a service whose speed changes,
/// [`AdaptiveLimit`](crate::AdaptiveLimit) knows better when it is too much.
///
/// # Defaults
///
/// - [`Priority::Low`] is let in up to 50 % of the capacity, [`Priority::Normal`] to 80 %, [`Priority::High`] to all
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{LoadShed, Priority};
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let door = LoadShed::new(NonZeroUsize::new(2).unwrap());
/// let busy = door.run(Priority::Normal, || async {
///     let prefetch = door.run(Priority::Low, || async {}).await;
///     let payment = door.run(Priority::High, || async {}).await;
///     (prefetch.is_ok(), payment.is_ok())
/// });
/// assert_eq!(busy.await, Ok((false, true)));
/// # });
/// ```
#[derive(Clone)]
pub struct LoadShed {
    inside: Arc<Places>,
    capacity: NonZeroUsize,
    allowed: [usize; 3],
}

/// How much a call matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Nobody waits for it: prefetching, reports.
    Low,
    /// Somebody waits for it.
    Normal,
    /// It must not be lost as long as anything works.
    High,
}

impl LoadShed {
    /// Makes a door with room for so many calls.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        let share = |percent| share_of(capacity, percent);
        Self {
            inside: Arc::default(),
            capacity,
            allowed: [share(50), share(80), share(100)],
        }
    }

    /// Sets up to what share of the capacity calls of a priority are let in.
    ///
    /// # Units
    ///
    /// `percent` of the capacity, rounded up; more than 100 are 100, and with 0 none is let in.
    #[must_use]
    pub fn with_share(mut self, priority: Priority, percent: u8) -> Self {
        self.allowed[priority as usize] = share_of(self.capacity, percent);
        self
    }

    /// Makes a call if there is room for it.
    ///
    /// # Errors
    ///
    /// [`Overloaded`] if there is none; the call was not made then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, then gives back its place.
    pub async fn run<F: Future>(
        &self,
        priority: Priority,
        call: impl FnOnce() -> F,
    ) -> Result<F::Output, Overloaded> {
        let place = self.enter(priority)?;
        let output = call().await;
        drop(place);
        Ok(output)
    }

    /// Returns how many calls are inside, as it was a moment ago.
    #[must_use]
    pub fn inside(&self) -> usize {
        self.inside.taken()
    }

    pub(crate) fn enter(&self, priority: Priority) -> Result<Place<'_>, Overloaded> {
        let allowed = self.allowed[priority as usize];
        let entered = self.inside.enter(allowed);
        entered.map_err(|inside| Overloaded {
            inside,
            allowed,
            priority,
        })
    }
}

impl fmt::Debug for LoadShed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadShed")
            .field("capacity", &self.capacity)
            .field("inside", &self.inside())
            .finish_non_exhaustive()
    }
}

/// There was too much work for a call of this priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("overloaded: {inside} calls are inside, {allowed} may be for one of this priority")]
#[non_exhaustive]
pub struct Overloaded {
    /// How many calls were inside.
    pub inside: usize,
    /// At how many such a call is refused.
    pub allowed: usize,
    /// The priority of the call.
    pub priority: Priority,
}

fn share_of(capacity: NonZeroUsize, percent: u8) -> usize {
    let percent = usize::from(percent.min(100));
    let (whole, rest) = (capacity.get() / 100, capacity.get() % 100);
    whole * percent + (rest * percent).div_ceil(100)
}
