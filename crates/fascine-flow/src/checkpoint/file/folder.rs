use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fs4::FileExt;
use serde::{Deserialize, Serialize};

use super::frame::{self, Frame};
use crate::{CheckpointError, Durability, Entry, Header, Journal, Record, RunId};

/// A folder of journals, for those who may block.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Where the journals that were written here end, so that they need not be read for it.
    ends: Mutex<HashMap<RunId, End>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    bytes: u64,
    records: u64,
}

/// The first frame of a file.
#[derive(Serialize, Deserialize)]
struct Beginning {
    run: RunId,
    header: Header,
    records: Vec<Record>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, CheckpointError> {
        fs::create_dir_all(path).map_err(|error| failed("make the folder", error))?;
        Ok(Self {
            path: path.to_owned(),
            ends: Mutex::default(),
        })
    }

    pub(super) fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
        durability: Durability,
    ) -> Result<(), CheckpointError> {
        let count = records.len() as u64;
        let beginning = Beginning {
            run,
            header,
            records,
        };
        let text = serde_json::to_vec(&beginning);
        let text = text.map_err(|error| CheckpointError::store("encode the header", error))?;
        let run = beginning.run;
        let mut bytes = Vec::with_capacity(text.len() + 64);
        frame::write(&mut bytes, &text);
        let _lock = self.lock_names()?;
        let path = self.file(&run);
        let exists = path.try_exists();
        if exists.map_err(|error| failed("look for the journal", error))? {
            return Err(CheckpointError::Exists { run });
        }
        // A file with this name is whole.
        let draft = self.path.join(format!("{run}.{DRAFT}"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(&bytes)?;
            sync(&file, durability)?;
            fs::rename(&draft, &path)?;
            self.sync_names(durability)
        };
        write().map_err(|error| failed("write the journal", error))?;
        let end = End {
            bytes: bytes.len() as u64,
            records: count,
        };
        self.ends().insert(run, end);
        Ok(())
    }

    pub(super) fn append(
        &self,
        run: RunId,
        at: u64,
        records: &[Record],
        durability: Durability,
    ) -> Result<(), CheckpointError> {
        let text = serde_json::to_vec(records);
        let text = text.map_err(|error| CheckpointError::store("encode records", error))?;
        let mut bytes = Vec::with_capacity(text.len() + 64);
        frame::write(&mut bytes, &text);
        let mut file = self.open_journal(&run, OpenOptions::new().read(true).write(true))?;
        let locked = FileExt::lock(&file);
        locked.map_err(|error| failed("lock the journal", error))?;
        let end = self.end(&run, &mut file)?;
        if end.records != at {
            return Err(CheckpointError::Conflict { run, at });
        }
        let written = cut_off(&file, end.bytes)
            .and_then(|()| file.seek(SeekFrom::Start(end.bytes)))
            .and_then(|_| file.write_all(&bytes))
            .and_then(|()| sync(&file, durability));
        if let Err(error) = written {
            self.ends().remove(&run);
            // What is there of it is no whole frame; if it cannot be cut off here, whoever comes next does.
            let _ = file.set_len(end.bytes);
            return Err(failed("write records", error));
        }
        let end = End {
            bytes: end.bytes + bytes.len() as u64,
            records: at + records.len() as u64,
        };
        let is_closed = matches!(records.last(), Some(Record::Closed {}));
        let mut ends = self.ends();
        match is_closed {
            true => ends.remove(&run),
            false => ends.insert(run, end),
        };
        Ok(())
    }

    pub(super) fn load(&self, run: RunId) -> Result<Journal, CheckpointError> {
        let mut file = self.open_journal(&run, OpenOptions::new().read(true))?;
        let locked = FileExt::lock_shared(&file);
        locked.map_err(|error| failed("lock the journal", error))?;
        let read = Read::read_all(&self.file(&run), &mut file, &run)?;
        let entries = (0..).zip(read.records);
        let entries = entries.map(|(sequence, record)| Entry::new(sequence, record));
        let journal = Journal::new(run, read.header, entries.collect())?;
        Ok(journal.with_torn(read.torn))
    }

    pub(super) fn list(&self) -> Result<Vec<RunId>, CheckpointError> {
        let read = || -> io::Result<Vec<RunId>> {
            let mut runs = Vec::new();
            for entry in fs::read_dir(&self.path)? {
                let name = entry?.file_name();
                let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
                runs.extend(name.and_then(|name| RunId::new(name).ok()));
            }
            runs.sort_unstable();
            Ok(runs)
        };
        read().map_err(|error| failed("read the folder", error))
    }

    pub(super) fn remove(
        &self,
        run: &RunId,
        durability: Durability,
    ) -> Result<(), CheckpointError> {
        let _lock = self.lock_names()?;
        self.ends().remove(run);
        let remove = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let file = match options.write(true).open(self.file(run)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => opened?,
            };
            // Whoever has the file open still finds nothing in it.
            FileExt::lock(&file)?;
            fs::remove_file(self.file(run))?;
            file.set_len(0)?;
            self.sync_names(durability)
        };
        remove().map_err(|error| failed("remove the journal", error))
    }

    /// Where the journal ends. Nobody else writes it meanwhile.
    fn end(&self, run: &RunId, file: &mut File) -> Result<End, CheckpointError> {
        let length = file.metadata().map(|data| data.len());
        let length = length.map_err(|error| failed("look at the journal", error))?;
        let known = self.ends().get(run).copied();
        if let Some(end) = known.filter(|end| end.bytes == length) {
            return Ok(end);
        }
        if length == 0 {
            return Err(CheckpointError::UnknownRun { run: run.clone() });
        }
        let read = Read::read_all(&self.file(run), file, run)?;
        Ok(End {
            bytes: length - read.torn,
            records: read.records.len() as u64,
        })
    }

    fn open_journal(&self, run: &RunId, options: &OpenOptions) -> Result<File, CheckpointError> {
        options
            .open(self.file(run))
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => CheckpointError::UnknownRun { run: run.clone() },
                _ => failed("open the journal", error),
            })
    }

    fn file(&self, run: &RunId) -> PathBuf {
        self.path.join(format!("{run}{SUFFIX}"))
    }

    /// Held while names come and go. It ends when the file is closed, and with the process.
    fn lock_names(&self) -> Result<File, CheckpointError> {
        let lock = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            let file = options.open(self.path.join(LOCK))?;
            FileExt::lock(&file)?;
            Ok(file)
        };
        lock().map_err(|error| failed("lock the folder", error))
    }

    fn sync_names(&self, durability: Durability) -> io::Result<()> {
        // Elsewhere a folder cannot be opened as a file, and names are safe without that.
        if cfg!(unix) && durability == Durability::Power {
            return File::open(&self.path)?.sync_all();
        }
        Ok(())
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<RunId, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in a file.
struct Read {
    header: Header,
    records: Vec<Record>,
    /// So many bytes at the end are no whole frame.
    torn: u64,
}

impl Read {
    fn read_all(path: &Path, file: &mut File, run: &RunId) -> Result<Self, CheckpointError> {
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| io::Read::read_to_end(file, &mut bytes));
        read.map_err(|error| failed("read the journal", error))?;
        if bytes.is_empty() {
            return Err(CheckpointError::UnknownRun { run: run.clone() });
        }
        let damaged = |offset: usize, problem: String| CheckpointError::Damaged {
            path: path.to_owned(),
            offset: offset as u64,
            problem,
        };
        let (mut header, mut records, mut at) = (None, Vec::new(), 0);
        loop {
            let (text, length) = match Frame::read(&bytes[at..]) {
                // A file gets its name when its beginning is whole.
                Frame::End | Frame::Torn if header.is_none() => {
                    return Err(damaged(at, "its beginning is missing".to_owned()));
                }
                Frame::Damaged(problem) => return Err(damaged(at, problem.to_owned())),
                Frame::End | Frame::Torn => break,
                Frame::Whole { text, bytes } => (text, bytes),
            };
            if header.is_none() {
                let beginning: Beginning =
                    serde_json::from_slice(text).map_err(|error| damaged(at, error.to_string()))?;
                if beginning.run != *run {
                    return Err(damaged(at, format!("it is of run `{}`", beginning.run)));
                }
                header = Some(beginning.header);
                records.extend(beginning.records);
            } else {
                let more: Vec<Record> =
                    serde_json::from_slice(text).map_err(|error| damaged(at, error.to_string()))?;
                records.extend(more);
            }
            at += length;
        }
        let missing = || damaged(0, "its beginning is missing".to_owned());
        Ok(Self {
            header: header.ok_or_else(missing)?,
            records,
            torn: (bytes.len() - at) as u64,
        })
    }
}

/// Takes away what is torn: it may be longer than what comes in its place.
fn cut_off(file: &File, end: u64) -> io::Result<()> {
    match file.metadata()?.len() > end {
        true => file.set_len(end),
        false => Ok(()),
    }
}

fn sync(file: &File, durability: Durability) -> io::Result<()> {
    match durability {
        Durability::Power => file.sync_data(),
        Durability::Process => Ok(()),
    }
}

fn failed(action: &'static str, error: io::Error) -> CheckpointError {
    CheckpointError::store(action, error)
}

const SUFFIX: &str = ".journal";
const DRAFT: &str = "draft";
const LOCK: &str = ".lock";
