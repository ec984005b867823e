use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fascine::http::Net;
use fascine::message::Message;
use fascine::model::{
    CacheError, CacheStore, CachedModel, CanonicalRequest, Model, RedbStore, Request, RequestKey,
    Response, ResponseCache, ScriptedModel,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll_with_seeds};

use crate::model::folder::Folder;
use crate::runtimes::on_every_runtime;

const HOUR: Duration = Duration::from_secs(3600);

on_every_runtime! {
    answers_are_there_again_after_a_restart,
}

/// A wall clock that is set by hand.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn set(&self, time: Duration) {
        self.0.store(time.as_secs(), Ordering::SeqCst);
    }

    fn read(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let seconds = Arc::clone(&self.0);
        move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst))
    }
}

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)])
}

fn key(number: usize) -> RequestKey {
    CanonicalRequest::new("m", &ask(&number.to_string())).key()
}

fn answer(length: usize) -> Response {
    Response::new(Message::assistant("x".repeat(length)))
}

async fn open(rt: &Rt, path: &PathBuf, clock: &Clock) -> Result<RedbStore, CacheError> {
    RedbStore::open(rt, path, 100_000, clock.read()).await
}

async fn answers_are_there_again_after_a_restart(rt: Rt, _: Arc<dyn Net>) {
    let (folder, clock) = (Folder::new(), Clock::default());
    let path = folder.path("answers.redb");
    clock.set(1000 * HOUR);
    for asked in [1, 0] {
        let store = open(&rt, &path, &clock).await.unwrap();
        let script = ScriptedModel::new(&rt).with_rule("", "yes");
        let model = CachedModel::new(script.clone(), ResponseCache::new(store.clone()));
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "yes");
        let again = model.invoke(ask("x")).await.unwrap();
        assert!(again.is_reused() && again.text() == "yes");
        assert_eq!(script.requests().len(), asked);
        drop(model);
        store.close().await;
    }
}

#[test]
fn time_goes_on_between_two_runs_and_a_clock_that_goes_back_is_not_believed() {
    TestRuntime::run(|rt| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        let path = folder.path("answers.redb");
        for (now, found) in [
            (10 * HOUR, true),
            (11 * HOUR - Duration::from_secs(1), true),
            (11 * HOUR, false),
            (9 * HOUR, false),
            (10 * HOUR, true),
        ] {
            clock.set(10 * HOUR);
            let store = open(&rt, &path, &clock).await.unwrap();
            store.put(key(1), answer(5), HOUR).await.unwrap();
            store.close().await;
            clock.set(now);
            let store = open(&rt, &path, &clock).await.unwrap();
            assert_eq!(store.get(key(1)).await.unwrap().is_some(), found, "{now:?}");
            store.remove_expired().await.unwrap();
            assert_eq!(store.bytes().await.unwrap() > 0, found);
        }
    });
}

#[test]
fn the_disk_is_bounded_and_the_oldest_answers_go() {
    TestRuntime::run(|rt| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        let store = open(&rt, &folder.path("answers.redb"), &clock)
            .await
            .unwrap();
        for number in 0..50 {
            clock.set(Duration::from_secs(1000 + number as u64));
            store.put(key(number), answer(10_000), HOUR).await.unwrap();
            assert!(store.bytes().await.unwrap() <= 100_000);
        }
        let mut kept = Vec::new();
        for number in 0..50 {
            if store.get(key(number)).await.unwrap().is_some() {
                kept.push(number);
            }
        }
        assert_eq!(kept, (41..50).collect::<Vec<_>>());
        // One that is put again counts once; one that is larger than all there is room for is not kept.
        let before = store.bytes().await.unwrap();
        store.put(key(49), answer(10_000), HOUR).await.unwrap();
        assert_eq!(store.bytes().await.unwrap(), before);
        store.put(key(49), answer(200_000), HOUR).await.unwrap();
        assert!(store.get(key(49)).await.unwrap().is_none());
        store.remove(key(48)).await.unwrap();
        assert!(store.get(key(48)).await.unwrap().is_none());
        store.clear().await.unwrap();
        assert_eq!(store.bytes().await.unwrap(), 0);
        assert!(store.get(key(47)).await.unwrap().is_none());
    });
}

#[test]
fn a_file_that_is_something_else_is_a_typed_error_and_is_left_alone() {
    TestRuntime::run(|rt| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        let long = "not a database at all ".repeat(1000);
        for (name, content) in [
            ("a", "x"),
            ("b", &long),
            ("c", "redb"),
            ("d", "redb\u{1a}\n"),
        ] {
            let path = folder.path(name);
            fs::write(&path, content).unwrap();
            let error = open(&rt, &path, &clock).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    CacheError::Foreign { .. } | CacheError::Corrupted { .. }
                ),
                "{name}: {error:?}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let nowhere = open(&rt, &folder.path("no/such/folder"), &clock).await;
        assert!(matches!(nowhere, Err(CacheError::Store { .. })));
        let path = folder.path("twice");
        let _first = open(&rt, &path, &clock).await.unwrap();
        let second = open(&rt, &path, &clock).await;
        assert!(matches!(second, Err(CacheError::Store { .. })));
    });
}

#[test]
fn a_damaged_file_never_gives_a_wrong_answer_and_never_stops_a_call() {
    TestRuntime::run(|rt| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        let path = folder.path("answers.redb");
        let store = open(&rt, &path, &clock).await.unwrap();
        for number in 0..5 {
            store.put(key(number), answer(1000), HOUR).await.unwrap();
        }
        store.close().await;
        let whole = fs::read(&path).unwrap();
        for damage in 0..12 {
            let mut bytes = whole.clone();
            match damage % 2 {
                0 => bytes.truncate(bytes.len() * damage / 12),
                _ => {
                    let at = bytes.len() * damage / 12;
                    let end = (at + 4096).min(bytes.len());
                    bytes[at..end].fill(0xa5);
                }
            }
            fs::write(&path, &bytes).unwrap();
            let Ok(store) = open(&rt, &path, &clock).await else {
                continue;
            };
            for number in 0..5 {
                if let Ok(Some(found)) = store.get(key(number)).await {
                    assert_eq!(found, answer(1000));
                }
            }
            let script = ScriptedModel::new(&rt).with_rule("", "yes");
            let model = CachedModel::new(script, ResponseCache::new(store));
            assert_eq!(model.invoke(ask("new")).await.unwrap().text(), "yes");
        }
    });
}

/// Another user of the store goes on meanwhile: it ends, whatever happens to this one.
#[test]
fn answers_are_kept_whole_or_not_at_all_wherever_a_call_is_dropped() {
    let polls = drop_after_every_poll_with_seeds(2, |rt, cut| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        clock.set(HOUR);
        let path = folder.path("answers.redb");
        let store = open(&rt, &path, &clock).await.unwrap();
        store.put(key(0), answer(500), HOUR).await.unwrap();
        let other = store.clone();
        let other = rt.spawn(async move {
            other.put(key(9), answer(900), HOUR).await?;
            other.get(key(9)).await
        });
        cut.apply(async {
            store.put(key(1), answer(1000), HOUR).await?;
            store.put(key(1), answer(1100), HOUR).await?;
            store.get(key(1)).await?;
            store.put(key(2), answer(200_000), HOUR).await?;
            store.remove(key(0)).await?;
            store.remove_expired().await
        })
        .await;
        assert_eq!(other.await.unwrap().unwrap(), Some(answer(900)));
        store.close().await;
        // What was begun runs on to its end, off the executor; then the file is free.
        rt.sleep(Duration::from_millis(1)).await;
        let store = open(&rt, &path, &clock).await.unwrap();
        let one = store.get(key(1)).await.unwrap();
        assert!(one.is_none_or(|one| one == answer(1000) || one == answer(1100)));
        assert!(store.get(key(2)).await.unwrap().is_none());
        // The count of the bytes is what there is: it is nothing when everything is gone.
        for number in [0, 1, 9] {
            store.remove(key(number)).await.unwrap();
        }
        assert_eq!(store.bytes().await.unwrap(), 0);
        store.close().await;
    });
    assert!(polls > 6, "{polls}");
}

/// Nor does a file that was being opened, or closed, stay so.
#[test]
fn a_file_can_be_opened_again_wherever_opening_and_closing_were_dropped() {
    drop_after_every_poll_with_seeds(2, |rt, cut| async move {
        let (folder, clock) = (Folder::new(), Clock::default());
        let path = folder.path("answers.redb");
        cut.apply(async { open(&rt, &path, &clock).await.unwrap().close().await })
            .await;
        rt.sleep(Duration::from_millis(1)).await;
        let store = open(&rt, &path, &clock).await.unwrap();
        store.put(key(1), answer(10), HOUR).await.unwrap();
        assert!(store.bytes().await.unwrap() > 0);
        store.close().await;
    });
}
