use std::error::Error;
use std::fmt;
use std::sync::Arc;

use fascine_rt::BoxFuture;

/// Where the lines of a [`BranchLog`](crate::BranchLog) go.
///
/// [`FileLog`](crate::FileLog) and [`MemoryLog`](crate::MemoryLog) are some.
pub trait LogSink: fmt::Debug + Send + Sync + 'static {
    /// Takes lines, in order and without their ends. One log calls it for one batch at a time.
    ///
    /// # Errors
    ///
    /// Why the lines were not taken. They come again, together, so none of them must have been.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped only when its runtime is shut down; the lines then come again.
    fn append(&self, lines: Arc<[String]>) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>>;
}
