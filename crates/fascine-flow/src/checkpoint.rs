//! What a run leaves behind, so that another one can go on from there.

mod blocking;
mod checkpoint_error;
mod durability;
mod file;
mod fingerprint;
mod header;
mod journal;
mod memory;
mod point;
mod record;
mod recorder;
mod run_id;
#[cfg(feature = "sqlite")]
mod sqlite;
mod step_record;

mod answering;
mod change;
mod fork;
mod given;
mod journaling;
mod known;
mod replay;
mod restore;
mod resume;
mod resume_error;

use std::fmt;
use std::sync::Arc;

use fascine_rt::BoxFuture;

pub use change::{GraphChange, MigratedStep, Migration, OnChange};
pub use checkpoint_error::CheckpointError;
pub use durability::Durability;
pub use file::FileCheckpoint;
pub use fingerprint::Fingerprint;
pub use fork::Fork;
pub use header::Header;
pub use journal::Journal;
pub use memory::MemoryCheckpoint;
pub use point::Point;
pub use record::{Entry, Record};
pub use replay::Replay;
pub use resume::Resume;
pub use resume_error::ResumeError;
pub use run_id::{RunId, RunIdError};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteCheckpoint;
pub use step_record::{Recorded, StepRecord};

use blocking::blocking;
pub(crate) use fingerprint::Prints;
pub(crate) use journaling::Journaling;
pub(crate) use known::Known;
pub(crate) use record::{Done, Failure, Result as RecordedResult, Write};
pub(crate) use recorder::Recorder;

/// Keeps the journals of runs: of each a header and records, to which more are appended and none is changed.
///
/// A step is `Started` before its function is called, and done before anything behind it begins. A store says yes to
/// [`append`](Self::append) once the records would survive what it is made to survive: the end of the process, or the
/// loss of power.
///
/// Every append says where it begins. A store refuses it if the journal does not end there: so two processes that take
/// one run for theirs never mix their records, and the one that comes too late learns of it.
pub trait Checkpoint: fmt::Debug + Send + Sync + 'static {
    /// Begins the journal of a run.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Exists`] if there is one already.
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>>;

    /// Appends records, all or none. The first of them gets the number `at`, the next one the number after it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Conflict`] if the next number is another one, [`CheckpointError::UnknownRun`] if there is no
    /// journal.
    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>>;

    /// Reads the journal of a run.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::UnknownRun`] if there is none.
    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>>;

    /// The runs that have a journal, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from looking.
    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>>;

    /// Removes the journal of a run. Without one, nothing happens.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>>;
}

impl<C: Checkpoint + ?Sized> Checkpoint for Arc<C> {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        (**self).begin(run, header, records)
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        (**self).append(run, at, records)
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        (**self).load(run)
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        (**self).list()
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        (**self).remove(run)
    }
}
