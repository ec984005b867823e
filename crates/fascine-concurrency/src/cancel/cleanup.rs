use std::fmt;

use fascine_rt::BoxFuture;

use crate::sync::{Mutex, lock};

/// What has to be done before a scope ends, the last first.
pub(crate) struct Cleanup {
    /// `None` once the scope has ended.
    stack: Mutex<Option<Vec<BoxFuture<()>>>>,
}

/// The scope had ended when something was deferred to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scope has ended")]
pub struct ScopeEnded(());

impl Cleanup {
    pub(crate) fn new() -> Self {
        Self {
            stack: Mutex::new(Some(Vec::new())),
        }
    }

    pub(crate) fn push(&self, future: BoxFuture<()>) -> Result<(), ScopeEnded> {
        let late = match &mut *lock(&self.stack) {
            Some(stack) => {
                stack.push(future);
                None
            }
            None => Some(future),
        };
        match late {
            None => Ok(()),
            Some(_) => Err(ScopeEnded(())),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.stack).as_ref().is_none_or(Vec::is_empty)
    }

    /// Takes what is to be done next; when nothing is left, nothing can be added either.
    pub(crate) fn pop(&self) -> Option<BoxFuture<()>> {
        let mut stack = lock(&self.stack);
        let next = stack.as_mut().and_then(Vec::pop);
        if next.is_none() {
            *stack = None;
        }
        next
    }

    /// Drops what was not done: the scope's own future is being dropped.
    pub(crate) fn close(&self) {
        let left = lock(&self.stack).take();
        drop(left);
    }
}

impl fmt::Debug for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("empty", &self.is_empty())
            .finish()
    }
}
