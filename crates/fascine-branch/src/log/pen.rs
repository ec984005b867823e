use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_concurrency::Lock;
use fascine_rt::{Panic, Rt, Task};
use futures_lite::FutureExt;

use crate::{LogError, LogSink};

/// Lines that wait, and who writes them.
pub(super) struct Pen {
    rt: Rt,
    sink: Arc<dyn LogSink>,
    /// Held while a batch is being written: batches do not overtake each other.
    writing: Lock<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    bytes: usize,
    limits: Limits,
    /// How many came since somebody last began to write.
    since: usize,
    dropped: u64,
    failures: u64,
    handler: Option<ErrorHandler>,
}

type ErrorHandler = Arc<dyn Fn(&LogError) + Send + Sync>;

/// For how much there is room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

impl Pen {
    pub(super) fn new(rt: &Rt, sink: Arc<dyn LogSink>) -> Self {
        Self {
            rt: rt.clone(),
            sink,
            writing: Lock::new(()),
            state: Mutex::default(),
        }
    }

    pub(super) fn add(pen: &Arc<Self>, line: String, limits: Limits) {
        let mut state = pen.state();
        state.limits = limits;
        state.bytes += line.len();
        state.lines.push_back(line);
        state.since += 1;
        state.shrink();
        let is_half_full = state.lines.len() > limits.lines / 2 || state.bytes > limits.bytes / 2;
        // One that fails is tried again after as many lines, not with every line.
        let is_due = is_half_full && state.since > state.lines.len() / 2;
        drop(state);
        if is_due {
            Self::write_in_background(pen);
        }
    }

    /// Writes down what waits; a task, so that whoever waits for it may go.
    pub(super) fn write_out(pen: &Arc<Self>) -> Task<Result<(), LogError>> {
        pen.state().since = 0;
        pen.rt.spawn(Arc::clone(pen).write())
    }

    pub(super) fn write_in_background(pen: &Arc<Self>) {
        pen.state().since = 0;
        let pen = Arc::clone(pen);
        let rt = pen.rt.clone();
        let written = async move {
            if let Err(error) = Arc::clone(&pen).write().await {
                pen.report(&error);
            }
        };
        // It ends when the sink has taken the lines or failed.
        rt.spawn(written).detach();
    }

    async fn write(self: Arc<Self>) -> Result<(), LogError> {
        let _writing = self.writing.lock().await;
        let Some(batch) = Batch::take(&self) else {
            return Ok(());
        };
        let written = append(&*self.sink, &batch.lines).await;
        match &written {
            Ok(()) => batch.written(),
            Err(_) => self.state().failures += 1,
        }
        written
    }

    pub(super) fn report(&self, error: &LogError) {
        let handler = self.state().handler.clone();
        tell(handler.as_ref(), error);
    }

    pub(super) fn set_handler(&self, handler: ErrorHandler) {
        let replaced = self.state().handler.replace(handler);
        drop(replaced);
    }

    pub(super) fn dropped_lines(&self) -> u64 {
        self.state().dropped
    }

    pub(super) fn waiting_lines(&self) -> usize {
        self.state().lines.len()
    }

    pub(super) fn failures(&self) -> u64 {
        self.state().failures
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops the oldest lines until there is room for the others.
    fn shrink(&mut self) {
        while self.lines.len() > self.limits.lines || self.bytes > self.limits.bytes {
            let Some(line) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= line.len();
            self.dropped += 1;
        }
    }
}

/// Lines that are being written. They go back if nobody says that they were.
struct Batch<'a> {
    pen: &'a Pen,
    lines: Arc<[String]>,
    is_written: bool,
}

impl<'a> Batch<'a> {
    fn take(pen: &'a Pen) -> Option<Self> {
        let mut state = pen.state();
        let lines = std::mem::take(&mut state.lines);
        state.bytes = 0;
        drop(state);
        (!lines.is_empty()).then(|| Self {
            pen,
            lines: lines.into_iter().collect(),
            is_written: false,
        })
    }

    fn written(mut self) {
        self.is_written = true;
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.is_written {
            return;
        }
        let mut state = self.pen.state();
        for line in self.lines.iter().rev() {
            state.bytes += line.len();
            state.lines.push_front(line.clone());
        }
        state.shrink();
    }
}

async fn append(sink: &dyn LogSink, lines: &Arc<[String]>) -> Result<(), LogError> {
    let appended = async { sink.append(Arc::clone(lines)).await };
    match AssertUnwindSafe(appended).catch_unwind().await {
        Ok(appended) => appended.map_err(LogError::Sink),
        Err(payload) => Err(LogError::Panicked {
            message: Panic::new(payload).message().to_owned(),
        }),
    }
}

/// A handler that panics has been told.
fn tell(handler: Option<&ErrorHandler>, error: &LogError) {
    if let Some(handler) = handler {
        let _ = catch_unwind(AssertUnwindSafe(|| handler(error)));
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        let state = std::mem::take(&mut *self.state());
        if state.lines.is_empty() {
            return;
        }
        let lines: Arc<[String]> = state.lines.into_iter().collect();
        let sink = Arc::clone(&self.sink);
        let written = async move {
            if let Err(error) = append(&*sink, &lines).await {
                tell(state.handler.as_ref(), &error);
            }
        };
        // It ends when the sink has taken the lines or failed.
        self.rt.spawn(written).detach();
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lines: 10_000,
            bytes: 4 * 1024 * 1024,
        }
    }
}

impl fmt::Debug for Pen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pen")
            .field("sink", &self.sink)
            .field("waiting", &self.waiting_lines())
            .finish_non_exhaustive()
    }
}
