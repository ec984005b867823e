//! What happened in branches, written down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fascine_rt::{Rt, Task};

use crate::{Branch, EventKind, EventRecord};

mod entry;
mod error;
mod fields;
mod file;
mod memory;
mod pen;
mod redaction;
mod sink;

pub use entry::LogEntry;
pub use error::{LogError, Unflushed};
pub use file::FileLog;
pub use memory::MemoryLog;
use pen::{Limits, Pen};
pub use redaction::Redaction;
pub use sink::LogSink;

/// Writes down what happens in branches, a line of JSON for each event: see [`LogEntry`].
///
/// A branch has none unless it is [given one](crate::BranchBuilder::log); its forks have the same, unless they are built
/// [without](crate::BranchBuilder::without_log). Clones write to the same place, each in its own detail.
///
/// Lines wait in memory until they are [flushed](Self::flush): by the program, at every end of
/// [`Branch::scoped`], and in the background when the room for them is half used. Lines for which there is no room are
/// dropped, the oldest first, and counted. When the last clone goes, what still waits is written in the background.
///
/// # Defaults
///
/// - room for 10,000 lines and 4 MiB
/// - no text that was said: how long it is stands in its place
/// - no lines for the chunks of streams
/// - what looks like a key is [redacted](Redaction)
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, BranchLog, MemoryLog};
/// use fascine_model::EchoModel;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let lines = MemoryLog::new(1000);
/// let log = BranchLog::new(&rt, lines.clone());
/// let branch = Branch::builder(&rt, "chat", EchoModel).log(log).build();
/// let answer = branch.scoped(|branch| async move { branch.communicate("Hello").await }).await;
/// assert_eq!(answer.unwrap().unwrap().text(), "Hello");
/// assert!(lines.lines()[0].starts_with(r#"{"branch":"chat","sequence":0,"turn":""#));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct BranchLog {
    pen: Arc<Pen>,
    limits: Limits,
    has_text: bool,
    has_chunks: bool,
    redaction: Arc<Redaction>,
}

impl BranchLog {
    /// Makes one that writes to `sink`.
    pub fn new(rt: &Rt, sink: impl LogSink) -> Self {
        Self {
            pen: Arc::new(Pen::new(rt, Arc::new(sink))),
            limits: Limits::default(),
            has_text: false,
            has_chunks: false,
            redaction: Arc::new(Redaction::default()),
        }
    }

    /// Sets for how many lines there is room; one at least.
    #[must_use]
    pub fn with_max_lines(mut self, lines: usize) -> Self {
        self.limits.lines = lines.max(1);
        self
    }

    /// Sets for how many bytes there is room.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Writes down what was said, too: texts, the arguments of tools and their results.
    #[must_use]
    pub fn with_text(mut self) -> Self {
        self.has_text = true;
        self
    }

    /// Writes down the chunks of streams, too.
    #[must_use]
    pub fn with_chunks(mut self) -> Self {
        self.has_chunks = true;
        self
    }

    /// Sets what must not be written down.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Arc::new(redaction);
        self
    }

    /// Tells `handler`, for all clones, of failures that nobody waits for: those of writing in the background.
    #[must_use]
    pub fn with_error_handler(self, handler: impl Fn(&LogError) + Send + Sync + 'static) -> Self {
        self.pen.set_handler(Arc::new(handler));
        self
    }

    /// Writes down all lines that wait, and waits for those that are being written.
    ///
    /// # Errors
    ///
    /// [`LogError`] when they cannot be written; they wait on, as far as there is room, and are tried again.
    ///
    /// # Cancel safety
    ///
    /// Writing goes on when the future is dropped; a failure is then told to the
    /// [handler](Self::with_error_handler).
    pub async fn flush(&self) -> Result<(), LogError> {
        Flush(Some(Pen::write_out(&self.pen))).ended().await
    }

    /// How many lines were dropped because there was no room.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.pen.dropped_lines()
    }

    /// How many lines wait to be written.
    #[must_use]
    pub fn waiting_lines(&self) -> usize {
        self.pen.waiting_lines()
    }

    /// How often writing failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.pen.failures()
    }

    /// Writes down what waits, while nobody does.
    pub(crate) fn flush_in_background(&self) {
        Pen::write_in_background(&self.pen);
    }

    /// Tells of a failure that nobody gets to see otherwise.
    pub(crate) fn report(&self, error: &LogError) {
        self.pen.report(error);
    }

    /// Writes an event down.
    pub(crate) fn record(&self, branch: &Branch, record: &EventRecord) {
        if record.kind() == EventKind::Chunk && !self.has_chunks {
            return;
        }
        let mut entry = LogEntry::new(record, now(branch), self.has_text);
        self.redaction.apply(&mut entry);
        Pen::add(&self.pen, entry.line(), self.limits);
    }
}

/// The time by the branch's clock, if it has one that works.
fn now(branch: &Branch) -> Option<u64> {
    let clock = branch.settings().clock.as_ref()?;
    let now = catch_unwind(AssertUnwindSafe(|| clock.now()));
    now.ok().map(|now| now.as_unix_millis())
}

/// Waits for writing, which goes on without.
struct Flush(Option<Task<Result<(), LogError>>>);

impl Flush {
    async fn ended(mut self) -> Result<(), LogError> {
        let Some(task) = &mut self.0 else {
            return Ok(());
        };
        let ended = task.await;
        ended.unwrap_or(Err(LogError::Stopped))
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            // It ends when the sink has taken the lines or failed.
            task.detach();
        }
    }
}
