use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{CheckpointError, Durability, Entry, Header, Journal, Record, RunId};

/// A file of journals, for those who may block.
#[derive(Debug)]
pub(super) struct Database(Mutex<Connection>);

impl Database {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, CheckpointError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(path)?;
            // Another process may be writing.
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            let synchronous = match durability {
                Durability::Power => "full",
                Durability::Process => "off",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.execute_batch(TABLES)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| CheckpointError::store("open the file", error))?;
        Ok(Self(Mutex::new(connection)))
    }

    pub(super) fn begin(
        &self,
        run: RunId,
        header: &Header,
        records: &[Record],
    ) -> Result<(), CheckpointError> {
        let header = encode(header)?;
        let mut connection = self.lock();
        let mut begin = || -> Result<bool, CheckpointError> {
            let transaction = begin_write(&mut connection)?;
            let inserted = transaction
                .prepare_cached("insert or ignore into runs (name, header, next) values (?, ?, ?)")
                .and_then(|mut insert| {
                    insert.execute(params![run.as_str(), header, records.len() as i64])
                })
                .map_err(failed)?;
            if inserted == 0 {
                return Ok(false);
            }
            insert(&transaction, transaction.last_insert_rowid(), 0, records)?;
            transaction.commit().map_err(failed)?;
            Ok(true)
        };
        match begin()? {
            true => Ok(()),
            false => Err(CheckpointError::Exists { run }),
        }
    }

    pub(super) fn append(
        &self,
        run: RunId,
        at: u64,
        records: &[Record],
    ) -> Result<(), CheckpointError> {
        let mut connection = self.lock();
        let transaction = begin_write(&mut connection)?;
        let found = transaction
            .prepare_cached("select id, next from runs where name = ?")
            .and_then(|mut find| {
                let row = find.query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
                row.optional()
            });
        let found: Option<(i64, i64)> = found.map_err(failed)?;
        let Some((id, next)) = found else {
            return Err(CheckpointError::UnknownRun { run });
        };
        if u64::try_from(next) != Ok(at) {
            return Err(CheckpointError::Conflict { run, at });
        }
        insert(&transaction, id, next, records)?;
        transaction
            .prepare_cached("update runs set next = ? where id = ?")
            .and_then(|mut update| update.execute(params![next + records.len() as i64, id]))
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    pub(super) fn load(&self, run: RunId) -> Result<Journal, CheckpointError> {
        let mut connection = self.lock();
        // One moment of the file, whatever others write meanwhile.
        let transaction = connection.transaction().map_err(failed)?;
        let found = transaction
            .query_row(
                "select id, header from runs where name = ?",
                [run.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional();
        let found: Option<(i64, String)> = found.map_err(failed)?;
        let Some((id, header)) = found else {
            return Err(CheckpointError::UnknownRun { run });
        };
        let header = serde_json::from_str(&header);
        let header = header.map_err(|error| CheckpointError::store("read the header", error))?;
        let mut entries = Vec::new();
        let mut select = transaction
            .prepare_cached("select number, text from records where run = ? order by number")
            .map_err(failed)?;
        let mut rows = select.query([id]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            let sequence = number.unsigned_abs();
            let text = row.get_ref(1).map_err(failed)?;
            let text = text.as_str().map_err(|error| failed(error.into()))?;
            let record = serde_json::from_str(text).map_err(|source| CheckpointError::Record {
                run: run.clone(),
                sequence,
                source,
            })?;
            entries.push(Entry::new(sequence, record));
        }
        Journal::new(run, header, entries)
    }

    pub(super) fn list(&self) -> Result<Vec<RunId>, CheckpointError> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<String>> {
            let mut select = connection.prepare("select name from runs order by name")?;
            let names = select.query_map([], |row| row.get(0))?;
            names.collect()
        };
        let names = list().map_err(failed)?;
        Ok(names
            .into_iter()
            .filter_map(|name| RunId::new(name).ok())
            .collect())
    }

    pub(super) fn remove(&self, run: &RunId) -> Result<(), CheckpointError> {
        let mut connection = self.lock();
        let transaction = begin_write(&mut connection)?;
        let id = "select id from runs where name = ?";
        transaction
            .execute(
                &format!("delete from records where run = ({id})"),
                [run.as_str()],
            )
            .and_then(|_| transaction.execute("delete from runs where name = ?", [run.as_str()]))
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the right to write before it reads what it decides by.
fn begin_write(connection: &mut Connection) -> Result<Transaction<'_>, CheckpointError> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)
}

fn insert(
    transaction: &Transaction<'_>,
    run: i64,
    at: i64,
    records: &[Record],
) -> Result<(), CheckpointError> {
    let mut insert = transaction
        .prepare_cached("insert into records (run, number, text) values (?, ?, ?)")
        .map_err(failed)?;
    let mut delete = transaction
        .prepare_cached("delete from records where run = ? and number = ?")
        .map_err(failed)?;
    for (number, record) in (at..).zip(records) {
        insert
            .execute(params![run, number, encode(record)?])
            .map_err(failed)?;
        if let Some(started) = record.supersedes() {
            delete
                .execute(params![run, started as i64])
                .map_err(failed)?;
        }
    }
    Ok(())
}

fn encode(value: &impl serde::Serialize) -> Result<String, CheckpointError> {
    serde_json::to_string(value).map_err(|error| CheckpointError::store("encode records", error))
}

fn failed(error: rusqlite::Error) -> CheckpointError {
    CheckpointError::store("use the database", error)
}

/// Ids of runs that were removed are not used again: whoever has one still finds nothing.
const TABLES: &str = "
    create table if not exists runs (
        id integer primary key autoincrement,
        name text not null unique,
        header text not null,
        next integer not null
    );
    create table if not exists records (
        run integer not null,
        number integer not null,
        text text not null,
        primary key (run, number)
    ) without rowid;
";

/// How long it waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);
