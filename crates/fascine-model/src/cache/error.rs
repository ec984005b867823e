use std::error::Error;
use std::path::PathBuf;

/// Why a cache has failed. A call goes on without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// What is kept cannot be read.
    #[error("the cache is damaged: {reason}")]
    Corrupted {
        /// What is wrong with it.
        reason: String,
    },
    /// The file is something else.
    #[error("{} is not a cache of answers", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The store cannot do it.
    #[error("the cache cannot {action}")]
    Store {
        /// What it was to do.
        action: &'static str,
        /// Why it cannot.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file was written by another version.
    #[error("the cache {} has version {version}; this is for version {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        version: u64,
        /// The version that can be read.
        expected: u64,
    },
}
