//! What a dump looks like as JSON.

use serde::{Deserialize, Serialize};

use super::{Dump, DumpError, LoadError, SavedPrompt};
use crate::Turn;
use crate::archive::Archived;

impl Dump {
    /// Writes it as JSON, in one line.
    ///
    /// # Errors
    ///
    /// [`DumpError::TooDeep`] when a part of a message is nested deeper than would be read again.
    pub fn to_json(&self) -> Result<String, DumpError> {
        self.check_depth()?;
        let document = Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            name: self.name.clone(),
            system: self.system.clone(),
            ids: format!("{:016x}", self.ids),
            history: self.history.turns().cloned().collect(),
            archive: self.archive.entries().cloned().collect(),
        };
        serde_json::to_string(&document).map_err(|error| DumpError::Json(error.into()))
    }

    /// Reads what [`to_json`](Self::to_json) wrote. Nothing is left out: a document with fields that are not known is not
    /// read.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotADump`] when it is something else, [`LoadError::Newer`] when it is of a version to come,
    /// [`LoadError::Truncated`] when its end is missing, [`LoadError::Malformed`] when it is broken.
    pub fn from_json(json: &[u8]) -> Result<Self, LoadError> {
        let document: Document = match serde_json::from_slice(json) {
            Ok(document) => document,
            Err(error) => return Err(why_not(json, error)),
        };
        document.check_head()?;
        let ids = &document.ids;
        let is_hex = ids.len() == 16 && ids.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ids = u64::from_str_radix(ids, 16).ok().filter(|_| is_hex);
        Ok(Self {
            name: document.name,
            system: document.system,
            history: document.history.into_iter().collect(),
            archive: document.archive.into_iter().collect(),
            ids: ids.ok_or(LoadError::InvalidField { field: "ids" })?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u64,
    name: String,
    system: SavedPrompt,
    /// In hexadecimal: numbers of that size are not exact everywhere.
    ids: String,
    history: Vec<Turn>,
    archive: Vec<Archived>,
}

impl Document {
    fn check_head(&self) -> Result<(), LoadError> {
        check_head(&self.format, self.version)
    }
}

/// The part of a document by which it is known, whatever its version.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

fn check_head(format: &str, version: u64) -> Result<(), LoadError> {
    match (format, version) {
        (FORMAT, VERSION) => Ok(()),
        (FORMAT, found) if found > VERSION => Err(LoadError::Newer {
            found,
            known: VERSION,
        }),
        (FORMAT, _) => Err(LoadError::InvalidField { field: "version" }),
        _ => Err(LoadError::NotADump),
    }
}

/// Why a document is no dump that can be read: the first that is wrong with it.
fn why_not(json: &[u8], error: serde_json::Error) -> LoadError {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        return match json.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => LoadError::Truncated { line, column },
            _ => LoadError::NotADump,
        };
    }
    let malformed = LoadError::Malformed {
        line,
        column,
        source: error.into(),
    };
    match serde_json::from_slice::<Head>(json) {
        Ok(head) => match check_head(&head.format, head.version) {
            Ok(()) => malformed,
            Err(error) => error,
        },
        Err(error) if error.is_data() => LoadError::NotADump,
        Err(_) => malformed,
    }
}

const FORMAT: &str = "fascine.branch";
const VERSION: u64 = 1;
