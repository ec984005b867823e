use std::fs;
use std::io::{self, ErrorKind, Write};
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
        }
    }

    /// Reads it. If it is not there, and `new` is, it is empty.
    pub(crate) fn read(&self, new: Option<String>) -> Result<Content, RecordError> {
        let bytes = match (fs::read(&self.path), new) {
            (Ok(bytes), _) => bytes,
            (Err(error), Some(model)) if error.kind() == ErrorKind::NotFound => {
                let entries = Vec::new();
                return Ok(Content { model, entries });
            }
            (Err(error), _) => return Err(RecordError::io(&self.path, error)),
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| self.not_a_recording())?;
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

    /// Writes these answers beside the file, and puts that into its place.
    pub(crate) fn write(&mut self, model: &str, entries: &[Entry]) -> Result<(), RecordError> {
        let written = self.try_write(model, entries);
        written.map_err(|error| RecordError::io(&self.path, error))?;
        self.saved = entries.len();
        Ok(())
    }

    fn try_write(&self, model: &str, entries: &[Entry]) -> io::Result<()> {
        let head = Head {
            fascine_recording: VERSION,
            model: model.to_owned(),
        };
        let mut text = serde_json::to_string(&head)?;
        text.push('\n');
        for entry in entries {
            text.push_str(&serde_json::to_string(entry)?);
            text.push('\n');
        }
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
