use std::sync::{Arc, Mutex, PoisonError};

use crate::BranchEvent;

type Handler = Arc<dyn Fn(&BranchEvent) + Send + Sync>;

/// Who is told what happens in a branch.
#[derive(Default)]
pub(crate) struct Observers(Mutex<Vec<Handler>>);

impl Observers {
    /// Returns whether there is nobody.
    pub(crate) fn is_empty(&self) -> bool {
        let handlers = self.0.lock();
        handlers.unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Tells everybody, in the order they came. The list is not locked meanwhile.
    pub(crate) fn emit(&self, event: &BranchEvent) {
        let handlers = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for handler in handlers {
            handler(event);
        }
    }
}
