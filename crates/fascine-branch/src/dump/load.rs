use std::path::{Path, PathBuf};

use fascine_rt::Rt;

use super::{Dump, DumpError, LoadError, disk};
use crate::Branch;
use crate::ids::Ids;

/// A file to load a branch from. A path is one.
///
/// # Defaults
///
/// - at most 256 MiB
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadDump {
    /// The file.
    pub path: PathBuf,
    /// How many bytes it may have.
    pub max_bytes: u64,
}

impl LoadDump {
    /// Loads from `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: MAX_BYTES,
        }
    }

    /// Sets how many bytes it may have.
    #[must_use]
    pub fn with_max_bytes(mut self, max: u64) -> Self {
        self.max_bytes = max;
        self
    }
}

impl<P: AsRef<Path>> From<P> for LoadDump {
    fn from(path: P) -> Self {
        Self::new(path.as_ref())
    }
}

impl Dump {
    /// Reads a dump from a file, on a thread where that may take its time.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json), [`LoadError::Read`] when the file cannot be read, and [`LoadError::TooLarge`] when
    /// it is larger than it may be; no more than that is read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn load(rt: &Rt, from: impl Into<LoadDump>) -> Result<Self, LoadError> {
        let from = from.into();
        let path = from.path.clone();
        let read = rt.unblock(move || Self::from_json(&disk::read(&from)?));
        read.await
            .unwrap_or_else(|error| Err(disk::unread(path, error)))
    }

    /// Writes the dump to a file, on a thread where that may take its time. Whoever reads the file gets the one that was
    /// there before or this one, whole, also when several are written at once or the machine stops: it is written beside
    /// the file, brought to the disk, and then takes its place.
    ///
    /// # Errors
    ///
    /// As [`to_json`](Self::to_json), and [`DumpError::Write`] when the file cannot be written.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the file is the one that was there before or this one.
    pub async fn save(&self, rt: &Rt, path: impl AsRef<Path>) -> Result<(), DumpError> {
        let dump = self.clone();
        let path = path.as_ref().to_owned();
        let to = path.clone();
        let written = rt.unblock(move || disk::write(&to, dump.to_json()?.as_bytes()));
        written
            .await
            .unwrap_or_else(|error| Err(disk::unwritten(path, error)))
    }
}

impl Branch {
    /// Writes the branch to a file: its [`dump`](Self::dump), [saved](Dump::save).
    ///
    /// # Errors
    ///
    /// As [`Dump::save`].
    ///
    /// # Cancel safety
    ///
    /// As [`Dump::save`].
    pub async fn save(&self, path: impl AsRef<Path>) -> Result<(), DumpError> {
        self.dump().save(self.rt(), path).await
    }

    /// Becomes what was [saved](Self::save) in a file, but for its name. It waits for the branch's turn.
    ///
    /// # Errors
    ///
    /// As [`Dump::load`]; the branch is as it was.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn load(&self, from: impl Into<LoadDump>) -> Result<(), LoadError> {
        let dump = Dump::load(self.rt(), from).await?;
        self.take_over(dump).await;
        Ok(())
    }

    /// Becomes what another branch was, but for its name. It waits for the branch's turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the branch as it was.
    pub async fn take_over(&self, dump: Dump) {
        let _turn = self.wait_for_turn().await;
        let mut state = self.state();
        let system = dump.system.put_into(&mut state.system);
        state.ids = Ids::new(dump.ids);
        let limit = state.archive.limit();
        let archive = std::mem::replace(&mut state.archive, dump.archive);
        state.archive.set_limit(limit);
        let history = std::mem::replace(&mut state.history, dump.history);
        let summary = state.summaries.stop();
        drop(state);
        // A prompt and a task may hold what is somebody else's: they go when nothing is locked.
        drop((system, archive, history, summary));
    }
}

const MAX_BYTES: u64 = 256 * 1024 * 1024;
