use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, Durability, ReadableTable, StorageError, TableDefinition, TableHandle,
    WriteTransaction,
};

use crate::{CacheError, RequestKey, Response};

/// The file; every function blocks. Times are milliseconds since 1970.
///
/// An answer is the time it was made at, the time it is over at, both in 8 bytes with the highest first, and its JSON.
pub(super) struct File {
    path: PathBuf,
    database: Database,
    max_bytes: u64,
}

/// By the hash of the request.
const ANSWERS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("fascine answers");
/// The time it was made at, the hash of the request: the oldest first.
const BY_AGE: TableDefinition<(u64, &[u8]), ()> = TableDefinition::new("fascine answers by age");
const FACTS: TableDefinition<&str, u64> = TableDefinition::new("fascine facts");

const VERSION: u64 = 1;
/// The two times before the JSON.
const TIMES: usize = 16;

impl File {
    pub(super) fn open(path: &Path, max_bytes: u64) -> Result<Self, CacheError> {
        let database = Database::create(path).map_err(|error| cannot_open(path, error))?;
        let file = Self {
            path: path.to_owned(),
            database,
            max_bytes,
        };
        file.check()?;
        Ok(file)
    }

    /// Checks whose file it is, and writes that down if it is new.
    fn check(&self) -> Result<(), CacheError> {
        let action = "open its file";
        let reading = self.database.begin_read().map_err(cannot(action))?;
        let mut tables = reading.list_tables().map_err(cannot(action))?;
        let facts = |table: redb::UntypedTableHandle| table.name() == FACTS.name();
        if tables.next().is_none() {
            return self.write(action, |writing| {
                writing.open_table(ANSWERS)?;
                writing.open_table(BY_AGE)?;
                writing.open_table(FACTS)?.insert("version", VERSION)?;
                Ok(())
            });
        }
        let mut tables = reading.list_tables().map_err(cannot(action))?;
        let version = match tables.any(facts) {
            true => {
                let facts = reading.open_table(FACTS).map_err(cannot(action))?;
                let version = facts.get("version").map_err(cannot(action))?;
                version.map(|version| version.value())
            }
            false => None,
        };
        match version {
            Some(VERSION) => Ok(()),
            Some(version) => Err(CacheError::Version {
                path: self.path.clone(),
                version,
                expected: VERSION,
            }),
            None => Err(CacheError::Foreign {
                path: self.path.clone(),
            }),
        }
    }

    pub(super) fn get(&self, key: RequestKey, now: u64) -> Result<Option<Response>, CacheError> {
        let action = "look an answer up";
        let reading = self.database.begin_read().map_err(cannot(action))?;
        let answers = reading.open_table(ANSWERS).map_err(cannot(action))?;
        let answer = answers.get(key.as_bytes().as_slice());
        let Some(answer) = answer.map_err(cannot(action))? else {
            return Ok(None);
        };
        let corrupted = |reason: String| CacheError::Corrupted { reason };
        let Some((made, over, json)) = parts(answer.value()) else {
            return Err(corrupted("an answer is cut off".to_owned()));
        };
        if now < made || now >= over {
            return Ok(None);
        }
        let response = serde_json::from_slice(json);
        response
            .map(Some)
            .map_err(|error| corrupted(format!("an answer cannot be read: {error}")))
    }

    pub(super) fn put(
        &self,
        key: RequestKey,
        response: &Response,
        now: u64,
        over: u64,
    ) -> Result<(), CacheError> {
        let action = "keep an answer";
        let mut answer = Vec::new();
        answer.extend(now.to_be_bytes());
        answer.extend(over.to_be_bytes());
        serde_json::to_writer(&mut answer, response).map_err(|error| CacheError::Store {
            action,
            source: Box::new(error),
        })?;
        if size(&answer) > self.max_bytes {
            return self.remove(key);
        }
        self.write(action, |writing| {
            let mut bytes = forget(writing, key.as_bytes())? + size(&answer);
            {
                let mut answers = writing.open_table(ANSWERS)?;
                answers.insert(key.as_bytes().as_slice(), answer.as_slice())?;
                let mut by_age = writing.open_table(BY_AGE)?;
                by_age.insert((now, key.as_bytes().as_slice()), ())?;
            }
            set_bytes(writing, bytes)?;
            while bytes > self.max_bytes {
                let Some(oldest) = oldest(writing)? else {
                    break;
                };
                bytes = forget(writing, &oldest)?;
                set_bytes(writing, bytes)?;
            }
            Ok(())
        })
    }

    pub(super) fn remove(&self, key: RequestKey) -> Result<(), CacheError> {
        self.write("forget an answer", |writing| {
            let bytes = forget(writing, key.as_bytes())?;
            set_bytes(writing, bytes)
        })
    }

    pub(super) fn clear(&self) -> Result<(), CacheError> {
        self.write("forget all answers", |writing| {
            writing.delete_table(ANSWERS)?;
            writing.delete_table(BY_AGE)?;
            writing.open_table(ANSWERS)?;
            writing.open_table(BY_AGE)?;
            set_bytes(writing, 0)
        })
    }

    pub(super) fn remove_expired(&self, now: u64) -> Result<(), CacheError> {
        self.write("forget answers", |writing| {
            let mut expired = Vec::new();
            for entry in writing.open_table(ANSWERS)?.iter()? {
                let (key, answer) = entry?;
                if parts(answer.value()).is_none_or(|(made, over, _)| now < made || now >= over) {
                    expired.push(key.value().to_owned());
                }
            }
            for key in expired {
                let bytes = forget(writing, &key)?;
                set_bytes(writing, bytes)?;
            }
            Ok(())
        })
    }

    pub(super) fn bytes(&self) -> Result<u64, CacheError> {
        let action = "read its file";
        let reading = self.database.begin_read().map_err(cannot(action))?;
        let facts = reading.open_table(FACTS).map_err(cannot(action))?;
        let bytes = facts.get("bytes").map_err(cannot(action))?;
        Ok(bytes.map_or(0, |bytes| bytes.value()))
    }

    /// Does all of it or nothing.
    fn write(
        &self,
        action: &'static str,
        work: impl FnOnce(&WriteTransaction) -> Result<(), Failure>,
    ) -> Result<(), CacheError> {
        let mut writing = self.database.begin_write().map_err(cannot(action))?;
        // What is lost with the power is asked for again.
        writing.set_durability(Durability::Eventual);
        work(&writing).map_err(cannot(action))?;
        writing.commit().map_err(cannot(action))
    }
}

/// Takes an answer out, if it is there; gives the bytes that are left. They are written down by the caller.
fn forget(writing: &WriteTransaction, key: &[u8]) -> Result<u64, Failure> {
    let bytes = {
        let facts = writing.open_table(FACTS)?;
        let bytes = facts.get("bytes")?;
        bytes.map_or(0, |bytes| bytes.value())
    };
    let mut answers = writing.open_table(ANSWERS)?;
    let Some(answer) = answers.remove(key)? else {
        return Ok(bytes);
    };
    if let Some((made, ..)) = parts(answer.value()) {
        writing.open_table(BY_AGE)?.remove((made, key))?;
    }
    Ok(bytes.saturating_sub(size(answer.value())))
}

fn oldest(writing: &WriteTransaction) -> Result<Option<Vec<u8>>, Failure> {
    let mut by_age = writing.open_table(BY_AGE)?;
    let oldest = by_age.pop_first()?;
    Ok(oldest.map(|(oldest, _)| oldest.value().1.to_owned()))
}

fn set_bytes(writing: &WriteTransaction, bytes: u64) -> Result<(), Failure> {
    writing.open_table(FACTS)?.insert("bytes", bytes)?;
    Ok(())
}

/// When it was made, when it is over, and its JSON.
fn parts(answer: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (times, json) = answer.split_at_checked(TIMES)?;
    let (made, over) = times.split_first_chunk()?;
    let over = over.first_chunk()?;
    Some((u64::from_be_bytes(*made), u64::from_be_bytes(*over), json))
}

/// What an answer takes, its two keys included.
fn size(answer: &[u8]) -> u64 {
    answer.len() as u64 + 2 * 32 + 8
}

/// What the database says, in a box: it is large.
struct Failure(Box<redb::Error>);

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

fn cannot<E: Into<Failure>>(action: &'static str) -> impl Fn(E) -> CacheError {
    move |error| {
        let Failure(error) = error.into();
        match *error {
            redb::Error::Corrupted(reason) => CacheError::Corrupted { reason },
            _ => CacheError::Store {
                action,
                source: error,
            },
        }
    }
}

fn cannot_open(path: &Path, error: DatabaseError) -> CacheError {
    match error {
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            CacheError::Foreign {
                path: path.to_owned(),
            }
        }
        error => cannot("open its file")(error),
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("path", &self.path)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
