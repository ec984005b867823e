use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use serde_json::value::RawValue;

use super::database::{encode, failed};
use crate::checkpoint::{Done, RecordedResult};
use crate::{CheckpointError, Record, RunId};

/// The columns of a record, as [`write`] and [`read`] have them.
pub(super) const COLUMNS: &str = "number, text, step, started";

/// Writes a record as a row. A step that has plainly given something, as most do, has columns of its own, and its output is
/// the text: to read it back costs a fraction of reading it out of JSON. Of others the text is the record.
pub(super) fn write(
    insert: &mut Statement<'_>,
    run: i64,
    number: i64,
    record: &Record,
) -> Result<(), CheckpointError> {
    let written = match plain(record) {
        Some((done, output)) => insert.execute((
            run,
            number,
            output.get(),
            &*done.step,
            done.started.map(|started| started as i64),
        )),
        None => {
            let (step, started) = (None::<&str>, None::<i64>);
            insert.execute((run, number, encode(record)?, step, started))
        }
    };
    written.map(drop).map_err(failed)
}

/// How a step ended of which there is no more to be said than fits into the columns. Whether it is idempotent matters of
/// those alone that gave nothing.
fn plain(record: &Record) -> Option<(&Done, &RawValue)> {
    match record {
        Record::Done(done) => match &**done {
            Done {
                attempts: 1,
                result: RecordedResult::Output(output),
                decisions: Some(decisions),
                writes,
                is_open: false,
                ..
            } if decisions.is_empty() && writes.is_empty() => Some((done, output)),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a record, whose number is that.
pub(super) fn read(row: &Row<'_>, run: &RunId, sequence: u64) -> Result<Record, CheckpointError> {
    let unreadable = |source| CheckpointError::Record {
        run: run.clone(),
        sequence,
        source,
    };
    let text = text_of(row, 1)?;
    if let ValueRef::Null = row.get_ref(2).map_err(failed)? {
        return serde_json::from_str(text).map_err(unreadable);
    }
    let started: Option<i64> = row.get(3).map_err(failed)?;
    let output = RawValue::from_string(text.to_owned()).map_err(unreadable)?;
    Ok(Record::Done(Box::new(Done {
        step: text_of(row, 2)?.into(),
        started: started.map(i64::unsigned_abs),
        attempts: 1,
        result: RecordedResult::Output(output),
        decisions: Some(Vec::new()),
        writes: Vec::new(),
        is_open: false,
        is_idempotent: false,
    })))
}

/// A text as SQLite has it, which is not copied.
pub(super) fn text_of<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, CheckpointError> {
    let value = row.get_ref(column).map_err(failed)?;
    value.as_str().map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::database::TABLES;
    use super::*;

    fn stored(record: &Record) -> Result<(bool, String), Box<dyn std::error::Error>> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(TABLES)?;
        let values = "values (?, ?, ?, ?, ?)";
        let insert = format!("insert into records (run, {COLUMNS}) {values}");
        write(&mut connection.prepare(&insert)?, 1, 7, record)?;
        let mut select = connection.prepare(&format!("select {COLUMNS} from records"))?;
        let mut rows = select.query([])?;
        let row = rows.next()?.ok_or("there is no row")?;
        let is_plain = row.get_ref(2)? != ValueRef::Null;
        Ok((is_plain, encode(&read(row, &RunId::new("run")?, 7)?)?))
    }

    #[test]
    fn what_is_not_plain_comes_back_as_well() -> Result<(), Box<dyn std::error::Error>> {
        let start = r#"{"done":{"step":"a\\/b[3]","started":5"#;
        let plain = r#""result":{"output":{"é\n":[1.50,null]}},"decisions":[]"#;
        let records = [
            (true, format!(r#"{start},"attempts":1,{plain}}}}}"#)),
            (
                true,
                format!(r#"{{"done":{{"step":"a","attempts":1,{plain}}}}}"#),
            ),
            (false, format!(r#"{start},"attempts":2,{plain}}}}}"#)),
            (
                false,
                format!(r#"{start},"attempts":1,"result":{{"output":1}},"decisions":[[true]]}}}}"#),
            ),
            (
                false,
                format!(r#"{start},"attempts":1,"result":{{"output":1}},"decisions":null}}}}"#),
            ),
            (
                false,
                format!(
                    r#"{start},"attempts":1,{plain},"writes":[{{"version":1,"key":"k","value":2}}]}}}}"#
                ),
            ),
            (
                false,
                format!(
                    r#"{start},"attempts":1,"result":{{"failure":{{"timed_out":{{"nanos":3}}}}}},"decisions":[],"is_open":true,"is_idempotent":true}}}}"#
                ),
            ),
            (false, r#"{"resumed":{}}"#.to_owned()),
        ];
        for (is_plain, text) in records {
            let record = serde_json::from_str(&text)?;
            assert_eq!(stored(&record)?, (is_plain, text));
        }
        Ok(())
    }

    #[test]
    fn an_output_that_is_no_json_is_an_error_of_its_record()
    -> Result<(), Box<dyn std::error::Error>> {
        let connection = Connection::open_in_memory()?;
        let mut select = connection.prepare("select 7, '[1', 'step', null")?;
        let mut rows = select.query([])?;
        let row = rows.next()?.ok_or("there is no row")?;
        let error = read(row, &RunId::new("run")?, 7).unwrap_err();
        assert_eq!(error.to_string(), "record 7 of run `run` cannot be read");
        Ok(())
    }
}
