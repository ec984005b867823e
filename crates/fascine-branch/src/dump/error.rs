use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::TurnId;

/// Why a branch was not written. What was there before is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// It is no JSON.
    #[error("the branch cannot be written as JSON")]
    Json(#[source] Box<dyn Error + Send + Sync>),
    /// A part of a message is nested too deeply to be read again.
    #[error("turn {turn} has a part that is nested deeper than {limit} levels")]
    TooDeep {
        /// The turn.
        turn: TurnId,
        /// How deep it may be.
        limit: usize,
    },
    /// The file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a branch was not read. Whoever was to take it over is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A field has a value that it cannot have.
    #[error("the dump's field `{field}` has a value that it cannot have")]
    InvalidField {
        /// The field.
        field: &'static str,
    },
    /// It is broken.
    #[error("the dump is broken at line {line}, column {column}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It was written by a later version.
    #[error("the dump is of version {found}; this program reads version {known}")]
    Newer {
        /// Its version.
        found: u64,
        /// The version that is known.
        known: u64,
    },
    /// It is something else.
    #[error("this is no dump of a branch")]
    NotADump,
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than it may be.
    #[error("{} has more than {limit} bytes", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        limit: u64,
    },
    /// Its end is missing.
    #[error("the dump ends too early, at line {line}, column {column}")]
    Truncated {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
}
