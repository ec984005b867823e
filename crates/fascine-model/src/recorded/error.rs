use std::io;
use std::path::PathBuf;

/// Why a recording cannot be used, or has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file cannot be read or written.
    #[error("cannot use the recording {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line of the file is not one of a recording.
    #[error("line {line} of the recording {} is not valid: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is something else.
    #[error("{} is not a recording", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// Nobody asked this when the recording was made.
    #[error("the recording has no answer for this request; {}", nearest.as_deref().unwrap_or("it is empty"))]
    NotRecorded {
        /// Where the request differs from the one that is most like it, if there is any.
        nearest: Option<String>,
    },
    /// The file was written by a later version.
    #[error("the recording {} has version {version}; this is for version {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        version: u64,
        /// The version that can be read.
        expected: u64,
    },
}
