use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::row::{self, COLUMNS};
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
                .prepare_cached("insert or ignore into runs (name, next) values (?, ?)")
                .and_then(|mut insert| insert.execute(params![run.as_str(), records.len() as i64]))
                .map_err(failed)?;
            if inserted == 0 {
                return Ok(false);
            }
            let id = transaction.last_insert_rowid();
            transaction
                .prepare_cached("insert into headers (run, text) values (?, ?)")
                .and_then(|mut insert| insert.execute(params![id, header]))
                .map_err(failed)?;
            insert(&transaction, id, 0, records)?;
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
        let Some((id, header)) = header(&transaction, &run)? else {
            return Err(CheckpointError::UnknownRun { run });
        };
        let mut entries = Vec::new();
        let mut select = transaction
            .prepare_cached(&format!(
                "select {COLUMNS} from records where run = ? order by number"
            ))
            .map_err(failed)?;
        let mut rows = select.query([id]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            let sequence = number.unsigned_abs();
            entries.push(Entry::new(sequence, row::read(row, &run, sequence)?));
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
        for table in ["records", "headers"] {
            let delete = format!("delete from {table} where run = ({id})");
            transaction
                .execute(&delete, [run.as_str()])
                .map_err(failed)?;
        }
        transaction
            .execute("delete from runs where name = ?", [run.as_str()])
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of a run, and its header.
fn header(
    transaction: &Transaction<'_>,
    run: &RunId,
) -> Result<Option<(i64, Header)>, CheckpointError> {
    let mut select = transaction
        .prepare_cached("select id, text from runs join headers on run = id where name = ?")
        .map_err(failed)?;
    let mut rows = select.query([run.as_str()]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else {
        return Ok(None);
    };
    let id = row.get(0).map_err(failed)?;
    let header = serde_json::from_str(row::text_of(row, 1)?);
    let header = header.map_err(|error| CheckpointError::store("read the header", error))?;
    Ok(Some((id, header)))
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
        .prepare_cached(&format!(
            "insert into records (run, {COLUMNS}) values (?, ?, ?, ?, ?)"
        ))
        .map_err(failed)?;
    let mut delete = transaction
        .prepare_cached("delete from records where run = ? and number = ?")
        .map_err(failed)?;
    for (number, record) in (at..).zip(records) {
        row::write(&mut insert, run, number, record)?;
        if let Some(started) = record.supersedes() {
            delete
                .execute(params![run, started as i64])
                .map_err(failed)?;
        }
    }
    Ok(())
}

pub(super) fn encode(value: &impl serde::Serialize) -> Result<String, CheckpointError> {
    serde_json::to_string(value).map_err(|error| CheckpointError::store("encode records", error))
}

pub(super) fn failed(error: rusqlite::Error) -> CheckpointError {
    CheckpointError::store("use the database", error)
}

/// Ids of runs that were removed are not used again: whoever has one still finds nothing. Headers are apart, as they are
/// large, and `next` is written with every append.
pub(super) const TABLES: &str = "
    create table if not exists runs (
        id integer primary key autoincrement,
        name text not null unique,
        next integer not null
    );
    create table if not exists headers (
        run integer primary key,
        text text not null
    );
    create table if not exists records (
        run integer not null,
        number integer not null,
        text text not null,
        step text,
        started integer,
        primary key (run, number)
    ) without rowid;
";

/// How long it waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);
