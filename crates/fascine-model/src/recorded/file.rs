use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::RecordError;
use crate::recorded::entry::Entry;

/// The file of a recording; every function blocks.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// How many answers are in it.
    pub(crate) saved: usize,
    /// The bytes of a last line that was cut off when its program ended.
    torn: u64,
}

pub(crate) struct Content {
    pub(crate) model: String,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    fascine_recording: u64,
    model: String,
}

const VERSION: u64 = 1;

impl File {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            saved: 0,
            torn: 0,
        }
    }

    /// Reads it. If it is not there, and `new` is, it is empty. A last line that was cut off is left out.
    pub(crate) fn read(&mut self, new: Option<String>) -> Result<Content, RecordError> {
        let bytes = match (fs::read(&self.path), new) {
            (Ok(bytes), _) => bytes,
            (Err(error), Some(model)) if error.kind() == ErrorKind::NotFound => {
                let entries = Vec::new();
                return Ok(Content { model, entries });
            }
            (Err(error), _) => return Err(RecordError::io(&self.path, error)),
        };
        let whole = whole(&bytes);
        self.torn = (bytes.len() - whole.len()) as u64;
        let text = std::str::from_utf8(whole).map_err(|_| self.not_a_recording())?;
        let mut lines = text.lines().enumerate();
        let model = match lines.next() {
            Some((_, head)) => self.head(head)?,
            None => return Err(self.not_a_recording()),
        };
        let mut entries = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let entry = serde_json::from_str(line).map_err(|error| RecordError::Malformed {
                path: self.path.clone(),
                line: index + 1,
                reason: error.to_string(),
            })?;
            entries.push(entry);
        }
        Ok(Content { model, entries })
    }

    fn head(&self, line: &str) -> Result<String, RecordError> {
        let head: Value = serde_json::from_str(line).map_err(|_| self.not_a_recording())?;
        match head["fascine_recording"].as_u64() {
            Some(VERSION) => {}
            Some(version) => {
                return Err(RecordError::Version {
                    path: self.path.clone(),
                    version,
                    expected: VERSION,
                });
            }
            None => return Err(self.not_a_recording()),
        }
        let head: Result<Head, _> = serde_json::from_value(head);
        head.map(|head| head.model)
            .map_err(|_| self.not_a_recording())
    }

    fn not_a_recording(&self) -> RecordError {
        RecordError::NotARecording {
            path: self.path.clone(),
        }
    }

    /// Adds these answers, all that have come since the last time. If that fails the file is as it was.
    ///
    /// `all` makes the answers that there are, for a file that is not there, or no longer.
    pub(crate) fn append(
        &mut self,
        model: &str,
        new: &[Entry],
        all: impl FnOnce() -> Vec<Entry>,
    ) -> Result<(), RecordError> {
        let appended = match self.try_append(new) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let all = all();
                self.saved = 0;
                self.create(model, &all).map(|()| all.len())
            }
            appended => appended.map(|()| new.len()),
        };
        let added = appended.map_err(|error| RecordError::io(&self.path, error))?;
        self.saved += added;
        self.torn = 0;
        Ok(())
    }

    fn try_append(&self, entries: &[Entry]) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.read(true).write(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let end = before.saturating_sub(self.torn);
        let mut text = match ends_in_a_line(&mut file, end)? {
            true => String::new(),
            false => "\n".to_owned(),
        };
        add_lines(&mut text, entries)?;
        file.seek(SeekFrom::Start(end))?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.set_len(end + text.len() as u64))
            .and_then(|()| file.sync_data());
        if written.is_err() {
            // Half a line at the end is left out by whoever reads it next, should this fail too.
            let _ = file.set_len(end);
        }
        written
    }

    /// Writes a new file beside the place, and puts it there: it is whole from the first moment.
    fn create(&self, model: &str, entries: &[Entry]) -> io::Result<()> {
        let head = Head {
            fascine_recording: VERSION,
            model: model.to_owned(),
        };
        let mut text = serde_json::to_string(&head)?;
        text.push('\n');
        add_lines(&mut text, entries)?;
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = self.path.with_file_name(name);
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &self.path)
    }
}

fn add_lines(text: &mut String, entries: &[Entry]) -> io::Result<()> {
    for entry in entries {
        text.push_str(&serde_json::to_string(entry)?);
        text.push('\n');
    }
    Ok(())
}

/// Whether a line ends before this place. Who edits a file by hand may leave the last one open.
fn ends_in_a_line(file: &mut fs::File, end: u64) -> io::Result<bool> {
    let Some(last) = end.checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

/// All but a last line that was cut off: one that is open, and no JSON for want of its end.
fn whole(bytes: &[u8]) -> &[u8] {
    let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return bytes;
    };
    let (lines, open) = bytes.split_at(last + 1);
    match serde_json::from_slice::<serde::de::IgnoredAny>(open) {
        Err(error) if error.is_eof() => lines,
        _ => bytes,
    }
}

impl RecordError {
    pub(crate) fn io(
        path: &Path,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let error = error.into();
        let source = match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        };
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
