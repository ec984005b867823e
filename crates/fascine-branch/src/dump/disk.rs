//! Files, on a thread that may block.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fascine_rt::JoinError;

use super::{DumpError, LoadDump, LoadError};

pub(super) fn read(from: &LoadDump) -> Result<Vec<u8>, LoadError> {
    let unread = |source| LoadError::Read {
        path: from.path.clone(),
        source,
    };
    let file = File::open(&from.path).map_err(unread)?;
    let mut bytes = Vec::new();
    // One byte more than there may be tells that there are more.
    let mut file = file.take(from.max_bytes.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > from.max_bytes {
        return Err(LoadError::TooLarge {
            path: from.path.clone(),
            limit: from.max_bytes,
        });
    }
    Ok(bytes)
}

/// Puts a file with `bytes` in the place of `path`, in one step.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), DumpError> {
    replace(path, bytes).map_err(|source| DumpError::Write {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link, to the new file.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (mut file, beside) = create_beside(&target)?;
    let written = (|| {
        if let Ok(old) = fs::metadata(&target) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &target)
    })();
    if written.is_err() {
        // The first error is the one that matters.
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_directory(&target)
}

/// Makes a file in the same directory, for nobody else: several may be written at once.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for attempt in 0..ATTEMPTS {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.{attempt}.tmp", std::process::id()));
        let beside = target.with_file_name(beside);
        match options.open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, beside)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The new name, too, is on the disk after this.
#[cfg(unix)]
fn sync_directory(target: &Path) -> io::Result<()> {
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Directories cannot be opened there.
#[cfg(windows)]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn unread(path: PathBuf, error: JoinError) -> LoadError {
    let source = io::Error::other(error);
    LoadError::Read { path, source }
}

pub(super) fn unwritten(path: PathBuf, error: JoinError) -> DumpError {
    let source = io::Error::other(error);
    DumpError::Write { path, source }
}

/// How many files may be written to one place at once.
const ATTEMPTS: u32 = 10_000;
