use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::task::{self, Shared};
use crate::{JoinError, Panic, Task};

/// Makes a task and the closure that a runtime has to run for it on a blocking thread.
pub(crate) fn new<T, W>(work: W) -> (Task<T>, Box<dyn FnOnce() + Send>)
where
    W: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (task, shared) = task::unstarted();
    let job = Job {
        work: Some(work),
        shared,
    };
    (task, Box::new(move || job.run()))
}

/// Blocking work that always publishes how it ended, also when the runtime drops it without running it.
struct Job<T, W> {
    work: Option<W>,
    shared: Arc<Shared<T>>,
}

impl<T, W: FnOnce() -> T> Job<T, W> {
    fn run(mut self) {
        if self.shared.is_cancelled() {
            return;
        }
        let Some(work) = self.work.take() else { return };
        let outcome = catch_unwind(AssertUnwindSafe(work));
        self.shared
            .end(outcome.map_err(|payload| JoinError::Panicked(Panic::new(payload))));
    }
}

impl<T, W> Drop for Job<T, W> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(work)));
            self.shared.end(Err(match dropped {
                Ok(()) => JoinError::Cancelled,
                Err(payload) => JoinError::Panicked(Panic::new(payload)),
            }));
        }
    }
}
