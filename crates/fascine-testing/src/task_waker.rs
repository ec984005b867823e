use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Wake;

use crate::executor::{Executor, Item};

/// Makes a task runnable, once until it is polled.
pub(crate) struct TaskWaker {
    id: u64,
    executor: Weak<Executor>,
    queued: Mutex<bool>,
}

impl TaskWaker {
    pub(crate) fn new(id: u64, executor: &Arc<Executor>) -> Self {
        Self {
            id,
            executor: Arc::downgrade(executor),
            queued: Mutex::new(false),
        }
    }

    /// Wakes count again from here on: the task is about to be polled.
    pub(crate) fn taken(&self) {
        *self.queued.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(executor) = self.executor.upgrade() else {
            return;
        };
        let before = {
            let mut queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *queued, true)
        };
        if !before {
            executor.push(Item::Task(self.id));
        }
    }
}
