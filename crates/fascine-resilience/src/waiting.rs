use std::future::Future;
use std::time::Duration;

use fascine_concurrency::{effective_deadline, fail_after};
use fascine_rt::Rt;

use crate::BulkheadError;
use crate::places::Places;

/// How many may wait for room, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) capacity: usize,
    pub(crate) longest: Duration,
}

impl Waiting {
    /// Nobody waits.
    pub(crate) const NONE: Self = Self {
        capacity: 0,
        longest: Duration::MAX,
    };

    /// Waits for `room` in a place of the queue, which is given back however this ends.
    pub(crate) async fn wait_for<F: Future>(
        self,
        rt: &Rt,
        queue: &Places,
        running: usize,
        room: F,
    ) -> Result<F::Output, BulkheadError> {
        let full = |waiting| BulkheadError::Full { running, waiting };
        if self.longest.is_zero() {
            return Err(full(queue.taken()));
        }
        let place = queue.enter(self.capacity).map_err(full)?;
        if effective_deadline().is_some_and(|deadline| deadline <= rt.now()) {
            return Err(BulkheadError::Deadline);
        }
        let waited = self.longest;
        let entered = fail_after(rt, waited, room).await;
        drop(place);
        entered.map_err(|_| BulkheadError::WaitTooLong { waited })
    }
}
