use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fascine_rt::{BoxFuture, JoinError, Rt};

use crate::{CacheError, CacheStore, RequestKey, Response};

mod file;

use file::File;

/// Answers kept on disk, in one file of the embedded database `redb`, up to a number of bytes.
///
/// What was kept last time is there again the next time. So the time is a wall clock's, which the caller gives: an
/// answer of the future, after the clock was put back, counts as over. When there is no room the oldest answers go.
///
/// Everything runs where it may block ([`Rt::unblock`]). A file that is cut off from power keeps what it had, or had a
/// moment before. One program uses a file at a time. Dropping the last clone closes the file on the thread that drops
/// it: [`close`](Self::close) does not.
///
/// # Examples
///
/// ```
/// use fascine_model::{RedbStore, ResponseCache};
/// use std::time::SystemTime;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// # let folder = std::env::temp_dir().join(format!("fascine-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("answers.redb");
///
/// let store = RedbStore::open(&rt, &path, 1024 * 1024 * 1024, SystemTime::now).await?;
/// let cache = ResponseCache::new(store.clone());
/// # drop(cache);
/// store.close().await;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RedbStore {
    rt: Rt,
    file: Arc<File>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl RedbStore {
    /// Opens the file, or makes it if there is none; it keeps at most so many bytes of answers, by the time of `clock`.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when the file is something else, is damaged, is of another version, or cannot be opened. It is
    /// left as it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a file without answers.
    pub async fn open(
        rt: &Rt,
        path: impl AsRef<Path>,
        max_bytes: u64,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Result<Self, CacheError> {
        let path = path.as_ref().to_owned();
        let opened = rt.unblock(move || File::open(&path, max_bytes));
        Ok(Self {
            rt: rt.clone(),
            file: Arc::new(joined("open its file", opened.await)?),
            clock: Arc::new(clock),
        })
    }

    /// How many bytes of answers are kept, those whose time is over among them.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when the file cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn bytes(&self) -> Result<u64, CacheError> {
        self.run("read its file", |file, _| file.bytes()).await
    }

    /// Forgets the answers whose time is over. It looks at all of them.
    ///
    /// # Errors
    ///
    /// [`CacheError`] when the file cannot be written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether they are forgotten.
    pub async fn remove_expired(&self) -> Result<(), CacheError> {
        self.run("forget answers", File::remove_expired).await
    }

    /// Lets go of the file where that may block; it is closed when the last clone has.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not keep the file open.
    pub async fn close(self) {
        let Self { rt, file, .. } = self;
        // It cannot fail: what could panic has, and the file is closed by then.
        let _ = rt.unblock(move || drop(file)).await;
    }

    fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&File, u64) -> Result<T, CacheError> + Send + 'static,
    ) -> BoxFuture<Result<T, CacheError>> {
        let (file, now) = (Arc::clone(&self.file), millis((self.clock)()));
        let rt = self.rt.clone();
        Box::pin(async move {
            let worked = rt.unblock(move || work(&file, now));
            joined(action, worked.await)
        })
    }
}

impl CacheStore for RedbStore {
    fn get(&self, key: RequestKey) -> BoxFuture<Result<Option<Response>, CacheError>> {
        self.run("look an answer up", move |file, now| file.get(key, now))
    }

    fn put(
        &self,
        key: RequestKey,
        response: Response,
        ttl: Duration,
    ) -> BoxFuture<Result<(), CacheError>> {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        self.run("keep an answer", move |file, now| {
            file.put(key, &response, now, now.saturating_add(ttl))
        })
    }

    fn remove(&self, key: RequestKey) -> BoxFuture<Result<(), CacheError>> {
        self.run("forget an answer", move |file, _| file.remove(key))
    }

    fn clear(&self) -> BoxFuture<Result<(), CacheError>> {
        self.run("forget all answers", |file, _| file.clear())
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// A damaged file can make the database panic: that is an error like any other.
fn joined<T>(
    action: &'static str,
    worked: Result<Result<T, CacheError>, JoinError>,
) -> Result<T, CacheError> {
    match worked {
        Ok(worked) => worked,
        Err(JoinError::Panicked(panic)) => Err(CacheError::Corrupted {
            reason: panic.message().to_owned(),
        }),
        Err(error) => Err(CacheError::Store {
            action,
            source: Box::new(error),
        }),
    }
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
