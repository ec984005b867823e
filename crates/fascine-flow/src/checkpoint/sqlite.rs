mod database;
mod row;

use std::path::Path;
use std::sync::Arc;

use fascine_rt::{BoxFuture, Rt};

use self::database::Database;
use super::blocking;
use super::{Checkpoint, CheckpointError, Durability, Header, Journal, Record, RunId};

/// Journals in one file of SQLite, which is compiled in. A clone is the same store.
///
/// Several processes may use the file at once. When it is written how a step ended, the record that it was started is no
/// longer needed, and goes: so a journal has one row for each step that is done.
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
/// use fascine_flow::{Checkpoint, Flow, GraphBuilder, RunId, SqliteCheckpoint};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// # let path = std::env::temp_dir().join(format!("fascine-doc-{}.sqlite", std::process::id()));
///
/// let store = SqliteCheckpoint::open(&rt, &path).await?;
/// let mut graph = GraphBuilder::new();
/// graph.step("load", |_| async { Ok(3) });
/// let flow = Flow::new(&rt).with_checkpoint(store.clone(), RunId::new("monday")?);
/// flow.run(&graph.build()?).await.assert_completed()?;
/// assert_eq!(store.list().await?, [RunId::new("monday")?]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SqliteCheckpoint {
    rt: Rt,
    database: Arc<Database>,
}

impl SqliteCheckpoint {
    /// Opens the file, or makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Store`] if it is something else, or cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a file without journals.
    pub async fn open(rt: &Rt, path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        Self::open_with(rt, path, Durability::default()).await
    }

    /// The same, with what records are to survive.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Store`] if it is something else, or cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a file without journals.
    pub async fn open_with(
        rt: &Rt,
        path: impl AsRef<Path>,
        durability: Durability,
    ) -> Result<Self, CheckpointError> {
        let path = path.as_ref().to_owned();
        let open = move || Database::open(&path, durability);
        let database = blocking(rt, "open the file", open).await?;
        Ok(Self {
            rt: rt.clone(),
            database: Arc::new(database),
        })
    }
}

impl Checkpoint for SqliteCheckpoint {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let database = Arc::clone(&self.database);
        let begin = move || database.begin(run, &header, &records);
        Box::pin(blocking(&self.rt, "begin a journal", begin))
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let database = Arc::clone(&self.database);
        let append = move || database.append(run, at, &records);
        Box::pin(blocking(&self.rt, "append to a journal", append))
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        let database = Arc::clone(&self.database);
        Box::pin(blocking(&self.rt, "read a journal", move || {
            database.load(run)
        }))
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        let database = Arc::clone(&self.database);
        Box::pin(blocking(&self.rt, "list journals", move || database.list()))
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        let database = Arc::clone(&self.database);
        Box::pin(blocking(&self.rt, "remove a journal", move || {
            database.remove(&run)
        }))
    }
}
