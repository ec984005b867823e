//! What every store does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine::flow::{
    Checkpoint, CheckpointError, Durability, FileCheckpoint, Flow, Graph, GraphBuilder, Header,
    Journal, MemoryCheckpoint, Record, ResumeError, RunId, SqliteCheckpoint, Status, StepRecord,
};
use fascine::http::Net;
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{Cut, TestRuntime, drop_after_every_poll_with_seeds};
use serde_json::json;

use super::effects::{Effects, run_id};
use crate::durations::seconds;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    every_store_keeps_what_it_was_given,
}

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fascine-journals-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn files(rt: &Rt, folder: &Folder) -> FileCheckpoint {
    let store = FileCheckpoint::open(rt, folder.path()).await.unwrap();
    store.with_durability(Durability::Process)
}

async fn sqlite(rt: &Rt, folder: &Folder) -> SqliteCheckpoint {
    let path = folder.path().join("runs.sqlite");
    let opened = SqliteCheckpoint::open_with(rt, path, Durability::Process).await;
    opened.unwrap()
}

/// `a` before `b`, each with what is odd to write down.
fn odd(effects: &Effects) -> Graph {
    let mut graph = GraphBuilder::new();
    let seen = effects.clone();
    let first = graph.step("a\nb \u{0}/[3]\"", move |_| {
        seen.add("a");
        async { Ok("line\nline \u{2028} \u{1F600} ".repeat(1000)) }
    });
    let first = first.id();
    let seen = effects.clone();
    graph.then("b", first, move |_, text| {
        seen.add("b");
        async move { Ok((text.len(), 0.1_f64 + 0.2, u64::MAX, i64::MIN)) }
    });
    graph.build().unwrap()
}

async fn every_store_keeps_what_it_was_given(rt: Rt, _: Arc<dyn Net>) {
    let folder = Folder::new();
    let stores: [Arc<dyn Checkpoint>; 3] = [
        Arc::new(MemoryCheckpoint::new()),
        Arc::new(files(&rt, &folder).await),
        Arc::new(sqlite(&rt, &folder).await),
    ];
    for store in stores {
        let effects = Effects::default();
        let graph = odd(&effects);
        let load = || store.load(run_id("one"));
        assert!(matches!(
            load().await,
            Err(CheckpointError::UnknownRun { .. })
        ));
        let flow = Flow::new(&rt).with_checkpoint(Arc::clone(&store), run_id("one"));
        let report = flow.run(&graph).await;
        assert!(
            report.is_success() && report.checkpoint_error.is_none(),
            "{store:?}"
        );
        let journal = load().await.unwrap();
        let StepRecord::Done(done) = journal.step("b") else {
            panic!("{store:?}");
        };
        assert_eq!(Some(done.json().unwrap()), report.step("b").unwrap().json());
        assert_eq!(journal.steps().len(), 2);
        let resume = Flow::new(&rt).resume(Arc::clone(&store), run_id("one"));
        let again = resume.start(&graph).await.unwrap().await;
        let output = again.step("b").unwrap().output.clone().unwrap();
        let value = output.get::<(usize, f64, u64, i64)>().unwrap();
        assert_eq!(*value, (19_000, 0.1 + 0.2, u64::MAX, i64::MIN));
        assert_eq!((effects.of("a"), effects.of("b")), (1, 1));

        // Appends begin where the journal ends, or not at all.
        let end = load().await.unwrap().end().records();
        for at in [0, end - 1, end + 1, u64::MAX] {
            let appended = store
                .append(run_id("one"), at, vec![Record::Resumed {}])
                .await;
            assert!(
                matches!(appended, Err(CheckpointError::Conflict { .. })),
                "{store:?}"
            );
        }
        store
            .append(run_id("one"), end, vec![Record::Resumed {}])
            .await
            .unwrap();
        let appended = store
            .append(run_id("one"), end, vec![Record::Resumed {}])
            .await;
        assert!(matches!(appended, Err(CheckpointError::Conflict { .. })));
        let appended = store.append(run_id("none"), 0, Vec::new()).await;
        assert!(matches!(appended, Err(CheckpointError::UnknownRun { .. })));

        let header = load().await.unwrap().header().clone();
        for name in ["two", "Three"] {
            store
                .begin(run_id(name), header.clone(), Vec::new())
                .await
                .unwrap();
        }
        let again = store.begin(run_id("two"), header, Vec::new()).await;
        assert!(matches!(again, Err(CheckpointError::Exists { .. })));
        let runs = store.list().await.unwrap();
        assert_eq!(runs, [run_id("Three"), run_id("one"), run_id("two")]);
        store.remove(run_id("one")).await.unwrap();
        store.remove(run_id("one")).await.unwrap();
        assert!(matches!(
            load().await,
            Err(CheckpointError::UnknownRun { .. })
        ));
        assert_eq!(store.list().await.unwrap().len(), 2);
    }
}

#[test]
fn two_stores_on_one_place_never_mix_their_records() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let mut graph = GraphBuilder::new();
        graph.step("down", |_| async { Err::<(), _>("it is down".into()) });
        let graph = graph.build().unwrap();
        let pairs: [[Arc<dyn Checkpoint>; 2]; 2] = [
            [
                Arc::new(files(&rt, &folder).await),
                Arc::new(files(&rt, &folder).await),
            ],
            [
                Arc::new(sqlite(&rt, &folder).await),
                Arc::new(sqlite(&rt, &folder).await),
            ],
        ];
        for [one, two] in pairs {
            let flow = Flow::new(&rt);
            let run = flow
                .clone()
                .with_checkpoint(Arc::clone(&one), run_id("one"));
            run.run(&graph).await;
            let first = flow.resume(Arc::clone(&one), run_id("one"));
            let first = first.start(&graph).await.unwrap();
            // Somebody else takes it over before it goes on.
            let second = flow.resume(Arc::clone(&two), run_id("one"));
            let second = second.start(&graph).await.unwrap();
            let report = first.await;
            let error = report.checkpoint_error.as_deref();
            assert!(
                matches!(error, Some(CheckpointError::Conflict { .. })),
                "{one:?}"
            );
            assert!(second.await.checkpoint_error.is_none(), "{two:?}");
        }
    });
}

/// A store whose disk is full after so many appends.
#[derive(Clone, Debug)]
struct Full {
    store: MemoryCheckpoint,
    left: Arc<AtomicUsize>,
}

impl Checkpoint for Full {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        self.store.begin(run, header, records)
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let less = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_err()
        {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Box::pin(async move { Err(CheckpointError::store("write records", full)) });
        }
        self.store.append(run, at, records)
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        self.store.load(run)
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        self.store.list()
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        self.store.remove(run)
    }
}

#[test]
fn a_full_disk_stops_the_run_before_anything_is_lost() {
    TestRuntime::run(|rt| async move {
        for left in 0..8 {
            let effects = Effects::default();
            let mut graph = GraphBuilder::new();
            let names = ["a", "b", "c", "d"];
            for name in names {
                let seen = effects.clone();
                graph.step(name, move |_| {
                    seen.add(name);
                    async move { Ok(name.to_owned()) }
                });
            }
            for pair in names.windows(2) {
                graph.edge(pair[0], pair[1]);
            }
            let graph = graph.build().unwrap();
            let memory = MemoryCheckpoint::new();
            let store = Full {
                store: memory.clone(),
                left: Arc::new(AtomicUsize::new(left)),
            };
            let report = Flow::new(&rt)
                .with_checkpoint(store, run_id("one"))
                .run(&graph)
                .await;
            let error = report.checkpoint_error.as_deref().unwrap();
            assert_eq!(error.to_string(), "cannot write records");
            // A start, an end, and so on: nothing began whose start could not be written.
            assert_eq!(effects.all().len(), left.div_ceil(2).min(4), "{left}");
            let completed = report.with_status(Status::Completed).count();
            assert_eq!(
                completed,
                effects.all().len(),
                "what was done is in the report"
            );
            let journal = memory.load(run_id("one")).await.unwrap();
            let resume = Flow::new(&rt).resume(memory, run_id("one"));
            let resumed = match resume.start(&graph).await {
                Err(ResumeError::Undecided { steps }) => {
                    assert!(left % 2 == 1 && steps.len() == 1, "{left}");
                    continue;
                }
                other => other.unwrap().await,
            };
            assert_eq!(journal.steps().len(), left.div_ceil(2).min(4));
            assert!(resumed.is_success());
            assert!(effects.all().values().all(|times| *times == 1), "{left}");
        }
    });
}

/// A store that never answers.
#[derive(Debug)]
struct Silent;

impl Checkpoint for Silent {
    fn begin(&self, _: RunId, _: Header, _: Vec<Record>) -> BoxFuture<Result<(), CheckpointError>> {
        Box::pin(std::future::pending())
    }

    fn append(&self, _: RunId, _: u64, _: Vec<Record>) -> BoxFuture<Result<(), CheckpointError>> {
        Box::pin(std::future::pending())
    }

    fn load(&self, _: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        Box::pin(std::future::pending())
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        Box::pin(std::future::pending())
    }

    fn remove(&self, _: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_store_that_never_answers_does_not_keep_a_run_from_its_end() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step("a", |_| async { Ok(1) });
        let graph = graph.build().unwrap();
        let flow = Flow::new(&rt).with_checkpoint(Silent, run_id("one"));
        let started = rt.now();
        let report = flow.with_timeout(seconds(5)).run(&graph).await;
        assert_eq!(rt.now() - started, seconds(15));
        assert!(report.timed_out);
        let error = report.checkpoint_error.as_deref();
        assert!(matches!(error, Some(CheckpointError::Late)));
    });
}

#[test]
fn a_run_in_files_dropped_anywhere_leaves_a_journal_that_can_be_read() {
    drop_after_every_poll_with_seeds(2, |rt, cut| async move {
        let folder = Folder::new();
        let store = files(&rt, &folder).await;
        dropped_and_resumed(rt, cut, Arc::new(store)).await;
    });
}

#[test]
fn a_run_in_sqlite_dropped_anywhere_leaves_a_journal_that_can_be_read() {
    drop_after_every_poll_with_seeds(2, |rt, cut| async move {
        let folder = Folder::new();
        let store = sqlite(&rt, &folder).await;
        dropped_and_resumed(rt, cut, Arc::new(store)).await;
    });
}

async fn dropped_and_resumed(rt: Rt, cut: Cut, store: Arc<dyn Checkpoint>) {
    let effects = Effects::default();
    let graph = odd(&effects);
    let flow = Flow::new(&rt).with_checkpoint(Arc::clone(&store), run_id("one"));
    cut.apply(flow.run(&graph)).await;
    let journal = match store.load(run_id("one")).await {
        Ok(journal) => journal,
        Err(CheckpointError::UnknownRun { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    let mut resume = Flow::new(&rt).resume(store, run_id("one"));
    for (step, record) in journal.steps() {
        if !matches!(record, StepRecord::Done(_)) {
            resume = match step.as_str() {
                "b" => resume.assume_done(step, json!([1, 0.5, 3, 4])),
                _ => resume.assume_done(step, "text"),
            };
        }
    }
    assert!(resume.start(&graph).await.unwrap().await.is_success());
    assert!(effects.all().values().all(|times| *times == 1));
}
