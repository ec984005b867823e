use std::collections::VecDeque;
use std::error::Error;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_rt::BoxFuture;

use crate::LogSink;

/// Keeps the last lines of a log in memory. Clones keep the same lines.
#[derive(Clone, Debug)]
pub struct MemoryLog {
    lines: Arc<Mutex<VecDeque<String>>>,
    max_lines: usize,
}

impl MemoryLog {
    /// Makes one that keeps so many lines.
    #[must_use]
    pub fn new(max_lines: usize) -> Self {
        Self {
            lines: Arc::default(),
            max_lines,
        }
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// Forgets the lines.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for MemoryLog {
    fn append(&self, lines: Arc<[String]>) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
        let mut kept = self.lock();
        kept.extend(lines.iter().cloned());
        let excess = kept.len().saturating_sub(self.max_lines);
        kept.drain(..excess);
        Box::pin(ready(Ok(())))
    }
}
