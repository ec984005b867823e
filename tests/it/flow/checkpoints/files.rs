//! Files that were cut off, damaged, or are something else.

use std::path::Path;

use fascine::flow::{
    Checkpoint, CheckpointError, FileCheckpoint, Flow, GraphBuilder, Record, SqliteCheckpoint,
};
use fascine_testing::TestRuntime;

use super::effects::run_id;
use super::stores::{Folder, files};

/// Writes a new file: a file system may wait for the disk when one is cut off and written again.
fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_its_last_whole_record() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let store = files(&rt, &folder).await;
        let mut graph = GraphBuilder::new();
        for name in ["a", "b", "c"] {
            graph.step(name, |_| async { Ok(1) });
        }
        graph.edge("a", "b");
        graph.edge("b", "c");
        let graph = graph.build().unwrap();
        let run = run_id("one");
        Flow::new(&rt)
            .with_checkpoint(store.clone(), run.clone())
            .run(&graph)
            .await;
        let path = folder.path().join("one.journal");
        let whole = std::fs::read(&path).unwrap();
        let records = store.load(run.clone()).await.unwrap().end().records();
        assert_eq!(records, 6);
        let beginning = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut last = 0;
        for length in 0..whole.len() {
            replace(&path, &whole[..length]);
            let loaded = store.load(run.clone()).await;
            if length < beginning {
                let error = loaded.unwrap_err();
                let is_typed = match length {
                    0 => matches!(error, CheckpointError::UnknownRun { .. }),
                    _ => matches!(error, CheckpointError::Damaged { offset: 0, .. }),
                };
                assert!(is_typed, "{length}: {error}");
                continue;
            }
            let journal = loaded.unwrap();
            let read = journal.end().records();
            assert!(read >= last && read < records, "{length}");
            let lines = whole[..length]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count() as u64;
            assert_eq!(read, lines - 1, "each append was of one record");
            assert_eq!(journal.torn() == 0, whole[length - 1] == b'\n');
            last = read;
        }
        // What comes next is written in place of what is torn.
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        store
            .append(run.clone(), records - 1, vec![Record::Resumed {}])
            .await
            .unwrap();
        let journal = store.load(run).await.unwrap();
        assert_eq!((journal.end().records(), journal.torn()), (records, 0));
    });
}

#[test]
fn a_file_with_any_byte_changed_is_damaged() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let store = files(&rt, &folder).await;
        let mut graph = GraphBuilder::new();
        graph.step("a", |_| async { Ok(1) });
        let graph = graph.build().unwrap();
        let run = run_id("one");
        Flow::new(&rt)
            .with_checkpoint(store.clone(), run.clone())
            .run(&graph)
            .await;
        let path = folder.path().join("one.journal");
        let whole = std::fs::read(&path).unwrap();
        let starts: Vec<_> = std::iter::once(0)
            .chain(
                (0..whole.len())
                    .filter(|at| whole[*at] == b'\n')
                    .map(|at| at + 1),
            )
            .collect();
        for at in 0..whole.len() {
            let change = 1 << (at % 8);
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            replace(&path, &bytes);
            let error = store.load(run.clone()).await.unwrap_err();
            let start = starts.iter().rfind(|start| **start <= at).copied();
            let is_typed = matches!(
                &error,
                CheckpointError::Damaged { offset, .. } if Some(*offset as usize) == start
            );
            assert!(is_typed, "{at} ^ {change}: {error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is left as it is");
        }
    });
}

#[test]
fn what_is_no_journal_is_an_error() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let store = files(&rt, &folder).await;
        std::fs::write(folder.path().join("one.journal"), "hello").unwrap();
        let error = store.load(run_id("one")).await.unwrap_err();
        assert!(matches!(error, CheckpointError::Damaged { .. }));
        let mut graph = GraphBuilder::new();
        graph.step("a", |_| async { Ok(1) });
        let graph = graph.build().unwrap();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("two"));
        flow.run(&graph).await;
        let copy = folder.path().join("three.journal");
        std::fs::copy(folder.path().join("two.journal"), copy).unwrap();
        let error = store.load(run_id("three")).await.unwrap_err();
        assert!(error.to_string().contains("it is of run `two`"), "{error}");
        let path = folder.path().join("text.sqlite");
        std::fs::write(&path, "hello, this is no database at all").unwrap();
        let error = SqliteCheckpoint::open(&rt, &path).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot open the file");
        let error = FileCheckpoint::open(&rt, &path).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot make the folder");
    });
}
