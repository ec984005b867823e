mod folder;
mod frame;

use std::path::Path;
use std::sync::Arc;

use fascine_rt::{BoxFuture, Rt};

use self::folder::Folder;
use super::blocking;
use super::{Checkpoint, CheckpointError, Durability, Header, Journal, Record, RunId};

/// Journals in a folder, one file for each run, to which it appends. A clone is the same store.
///
/// Records have checksums. What a process was writing when it was killed is cut off, and
/// [said](Journal::torn); a file that is damaged otherwise is an error that names the place, and is left as it is. Several
/// processes may use the folder at once: each append locks the file, and sees whether it ends where the writer believes.
///
/// Everything runs where it may block ([`Rt::unblock`]).
///
/// # Defaults
///
/// - records survive the loss of [power](Durability::Power)
///
/// # Examples
///
/// ```
/// use fascine_flow::{Checkpoint, FileCheckpoint, Flow, GraphBuilder, RunId};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// # let folder = std::env::temp_dir().join(format!("fascine-doc-journals-{}", std::process::id()));
///
/// let store = FileCheckpoint::open(&rt, &folder).await?;
/// let mut graph = GraphBuilder::new();
/// graph.step("load", |_| async { Ok(3) });
/// let flow = Flow::new(&rt).with_checkpoint(store.clone(), RunId::new("monday")?);
/// flow.run(&graph.build()?).await.assert_completed()?;
/// assert_eq!(store.list().await?, [RunId::new("monday")?]);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FileCheckpoint {
    rt: Rt,
    folder: Arc<Folder>,
    durability: Durability,
}

impl FileCheckpoint {
    /// Opens the folder, or makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Store`] if it cannot be made.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave an empty folder.
    pub async fn open(rt: &Rt, folder: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = folder.as_ref().to_owned();
        let folder = blocking(rt, "make the folder", move || Folder::open(&path)).await?;
        Ok(Self {
            rt: rt.clone(),
            folder: Arc::new(folder),
            durability: Durability::default(),
        })
    }

    /// Sets what records survive.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}

impl Checkpoint for FileCheckpoint {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let (folder, durability) = (Arc::clone(&self.folder), self.durability);
        let begin = move || folder.begin(run, header, records, durability);
        Box::pin(blocking(&self.rt, "begin a journal", begin))
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let (folder, durability) = (Arc::clone(&self.folder), self.durability);
        let append = move || folder.append(run, at, &records, durability);
        Box::pin(blocking(&self.rt, "append to a journal", append))
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        let folder = Arc::clone(&self.folder);
        Box::pin(blocking(&self.rt, "read a journal", move || {
            folder.load(run)
        }))
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        let folder = Arc::clone(&self.folder);
        Box::pin(blocking(&self.rt, "list journals", move || folder.list()))
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        let (folder, durability) = (Arc::clone(&self.folder), self.durability);
        let remove = move || folder.remove(&run, durability);
        Box::pin(blocking(&self.rt, "remove a journal", remove))
    }
}
