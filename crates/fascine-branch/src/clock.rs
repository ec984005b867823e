use std::fmt;
use std::sync::Arc;

use fascine_message::Timestamp;
use fascine_rt::Rt;

/// What says when messages were said. A branch without one stores messages without times.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// Asks `now` for the time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Counts on from `start`, which is now, by the runtime's clock: it goes with virtual time, and never back.
    #[must_use]
    pub fn anchored(rt: &Rt, start: Timestamp) -> Self {
        let (rt, began) = (rt.clone(), rt.now());
        Self::new(move || {
            let elapsed = rt.now().saturating_duration_since(began).as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
            Timestamp::from_unix_millis(start.as_unix_millis().saturating_add(elapsed))
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
