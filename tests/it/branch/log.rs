use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine::branch::{
    Branch, BranchLog, Clock, FileLog, LogEntry, LogError, LogSink, MemoryLog, Redaction,
};
use fascine::concurrency::join_all;
use fascine::http::Net;
use fascine::message::Timestamp;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::json;

use crate::durations::seconds;
use crate::model::folder::Folder;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    lines_of_many_logs_in_one_file_do_not_mix,
}

fn branch(rt: &Rt, log: &BranchLog) -> Branch {
    Branch::builder(rt, "b", EchoModel).log(log.clone()).build()
}

fn entries(lines: &[String]) -> Vec<LogEntry> {
    let read = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    read.collect()
}

/// A log in memory with all that is said, and its lines.
async fn said(rt: &Rt, text: &str, redaction: Redaction) -> String {
    let lines = MemoryLog::new(100);
    let log = BranchLog::new(rt, lines.clone())
        .with_text()
        .with_redaction(redaction);
    branch(rt, &log).communicate(text).await.unwrap();
    log.flush().await.unwrap();
    let entry = &entries(&lines.lines())[0];
    entry.fields["message"]["text"].as_str().unwrap().to_owned()
}

async fn lines_of_many_logs_in_one_file_do_not_mix(rt: Rt, _: Arc<dyn Net>) {
    let folder = Folder::new();
    let path = folder.path("branch.jsonl");
    fs::write(&path, "half a li").unwrap();
    let writers = (0..4).map(|writer| {
        let log = BranchLog::new(&rt, FileLog::new(&rt, &path)).with_text();
        let branch = Branch::builder(&rt, format!("w{writer}"), EchoModel)
            .log(log.clone())
            .build();
        async move {
            for _ in 0..3 {
                branch.communicate("x".repeat(5000)).await.unwrap();
                log.flush().await.unwrap();
            }
        }
    });
    join_all(writers).await;
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("half a li"),
        "what was there is ended, not changed"
    );
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        let entry: LogEntry = serde_json::from_str(line).unwrap();
        let number = next.entry(entry.branch).or_default();
        assert_eq!(entry.sequence, *number);
        *number += 1;
    }
    assert_eq!(next.into_values().collect::<Vec<_>>(), [6; 4]);
}

#[test]
fn a_line_says_when_where_and_what_but_not_what_was_said() {
    TestRuntime::run(|rt| async move {
        let lines = MemoryLog::new(100);
        let log = BranchLog::new(&rt, lines.clone());
        let clock = Clock::anchored(&rt, Timestamp::from_unix_millis(1_000));
        let branch = Branch::builder(&rt, "b", EchoModel)
            .log(log.clone())
            .clock(clock)
            .build();
        let turn = branch.communicate("my password").await.unwrap().turn;
        log.flush().await.unwrap();
        let entry = &entries(&lines.lines())[1];
        assert_eq!(
            (entry.at, entry.sequence, entry.turn),
            (Some(1_000), 1, Some(turn))
        );
        assert_eq!(
            (entry.branch.as_str(), entry.kind.as_str()),
            ("b", "committed")
        );
        let message = &entry.fields["messages"][0];
        assert_eq!(
            (&message["role"], &message["chars"]),
            (&json!("user"), &json!(11))
        );
        assert!(!lines.lines().concat().contains("my password"));
    });
}

#[test]
fn nothing_is_written_unless_it_is_asked_for_and_forks_write_too() {
    TestRuntime::run(|rt| async move {
        let lines = MemoryLog::new(100);
        let log = BranchLog::new(&rt, lines.clone());
        let branch = branch(&rt, &log);
        assert!(Branch::new(&rt, "silent", EchoModel).log().is_none());
        branch.fork("f").communicate("x").await.unwrap();
        let silent = branch.fork_builder("g").without_log().build();
        silent.communicate("x").await.unwrap();
        assert!(lines.lines().is_empty(), "it waits to be flushed");
        log.flush().await.unwrap();
        let names: Vec<_> = entries(&lines.lines())
            .into_iter()
            .map(|entry| entry.branch)
            .collect();
        assert_eq!(names, ["f", "f"]);
    });
}

#[test]
fn what_looks_like_a_key_is_never_written() {
    TestRuntime::run(|rt| async move {
        for (text, written) in [
            ("use sk-proj-0123456789, please", "use [redacted], please"),
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer [redacted]",
            ),
            ("PASSWORD = hunter2!", "PASSWORD = [redacted]"),
            (
                r#"{"api_key":"k1","n":1"#,
                r#"{"api_key":"[redacted]","n":1"#,
            ),
            ("the password is long", "the password is long"),
            ("max_tokens: 5", "max_tokens: 5"),
            ("nothing\nhere", "nothing\nhere"),
        ] {
            assert_eq!(said(&rt, text, Redaction::default()).await, written);
        }
    });
}

#[test]
fn keys_words_and_a_hook_of_ones_own_are_kept_out() {
    TestRuntime::run(|rt| async move {
        let own = Redaction::new()
            .with_key("IBAN")
            .with_word("*@example.org")
            .with_hook(|entry| {
                entry.branch.insert_str(0, "hooked-");
            });
        let text = "iban: DE12, write to <ada@example.org> or bob@example.com";
        let written = "iban: [redacted], write to <[redacted]> or bob@example.com";
        assert_eq!(said(&rt, text, own).await, written);
    });
}

#[test]
fn a_hook_that_panics_lets_nothing_out() {
    TestRuntime::run(|rt| async move {
        let lines = MemoryLog::new(100);
        let redaction = Redaction::new().with_hook(|_| panic!("no"));
        let log = BranchLog::new(&rt, lines.clone())
            .with_text()
            .with_redaction(redaction);
        branch(&rt, &log).communicate("secret").await.unwrap();
        log.flush().await.unwrap();
        let entries = entries(&lines.lines());
        assert_eq!(entries.len(), 2);
        assert!(entries.iter().all(|entry| entry.fields.is_empty()));
    });
}

#[test]
fn the_oldest_lines_go_when_there_is_no_room_and_are_counted() {
    TestRuntime::run(|rt| async move {
        let lines = MemoryLog::new(100);
        // Full, but nobody writes: a sink that is stuck.
        #[derive(Debug)]
        struct Stuck;
        impl LogSink for Stuck {
            fn append(
                &self,
                _: Arc<[String]>,
            ) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
                Box::pin(async { Err("stuck".into()) })
            }
        }
        let log = BranchLog::new(&rt, Stuck).with_max_lines(4);
        let branch = branch(&rt, &log);
        for _ in 0..5 {
            branch.communicate("x").await.unwrap();
        }
        assert!(log.flush().await.is_err());
        assert_eq!((log.waiting_lines(), log.dropped_lines()), (4, 6));

        let small = BranchLog::new(&rt, lines.clone()).with_max_bytes(10);
        self::branch(&rt, &small).communicate("x").await.unwrap();
        small.flush().await.unwrap();
        assert_eq!((lines.lines().len(), small.dropped_lines()), (0, 2));
    });
}

#[test]
fn a_log_that_is_half_full_is_written_in_the_background() {
    TestRuntime::run(|rt| async move {
        let lines = MemoryLog::new(1000);
        let log = BranchLog::new(&rt, lines.clone()).with_max_lines(10);
        let branch = branch(&rt, &log);
        for _ in 0..50 {
            branch.communicate("x").await.unwrap();
            rt.sleep(seconds(1)).await;
        }
        log.flush().await.unwrap();
        assert_eq!((lines.lines().len(), log.dropped_lines()), (100, 0));
    });
}

#[test]
fn failures_in_the_background_are_told_and_what_waits_is_written_with_the_last_clone() {
    TestRuntime::run(|rt| async move {
        #[derive(Debug)]
        struct Panicking;
        impl LogSink for Panicking {
            fn append(
                &self,
                _: Arc<[String]>,
            ) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
                panic!("no disk")
            }
        }
        let told = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&told);
        let log = BranchLog::new(&rt, Panicking).with_error_handler(move |error| {
            assert!(matches!(error, LogError::Panicked { message } if message == "no disk"));
            counting.fetch_add(1, Ordering::SeqCst);
        });
        let branch = branch(&rt, &log);
        branch.communicate("x").await.unwrap();
        let error = log.flush().await.unwrap_err();
        assert_eq!(error.to_string(), "the sink of the log panicked: no disk");
        assert_eq!(
            told.load(Ordering::SeqCst),
            0,
            "somebody waited for that one"
        );
        drop((log, branch));
        rt.sleep(seconds(1)).await;
        assert_eq!(told.load(Ordering::SeqCst), 1);

        let lines = MemoryLog::new(10);
        let log = BranchLog::new(&rt, lines.clone());
        self::branch(&rt, &log).communicate("x").await.unwrap();
        drop(log);
        rt.sleep(seconds(1)).await;
        assert_eq!(lines.lines().len(), 2);
    });
}

#[test]
fn a_file_that_cannot_be_opened_is_a_typed_error_with_its_cause() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let log = BranchLog::new(&rt, FileLog::new(&rt, folder.path("no/such/folder.jsonl")));
        branch(&rt, &log).communicate("x").await.unwrap();
        let error = log.flush().await.unwrap_err();
        let cause = error
            .source()
            .unwrap()
            .downcast_ref::<std::io::Error>()
            .unwrap();
        assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
        assert_eq!(log.waiting_lines(), 2);
        fs::create_dir_all(folder.path("no/such")).unwrap();
        log.flush().await.unwrap();
        let text = fs::read_to_string(folder.path("no/such/folder.jsonl")).unwrap();
        assert_eq!(text.lines().count(), 2);
    });
}

#[test]
fn a_flush_that_is_dropped_at_any_poll_loses_and_doubles_nothing() {
    drop_after_every_poll(|rt, cut| async move {
        #[derive(Debug)]
        struct Slow(Rt, MemoryLog);
        impl LogSink for Slow {
            fn append(
                &self,
                lines: Arc<[String]>,
            ) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
                let (rt, memory) = (self.0.clone(), self.1.clone());
                Box::pin(async move {
                    rt.sleep(seconds(1)).await;
                    memory.append(lines).await
                })
            }
        }
        let lines = MemoryLog::new(100);
        let log = BranchLog::new(&rt, Slow(rt.clone(), lines.clone()));
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let branch = Branch::builder(&rt, "b", model).log(log.clone()).build();
        branch.communicate("x").await.unwrap();
        let _ = cut.apply(log.flush()).await;
        branch.communicate("x").await.unwrap();
        log.flush().await.unwrap();
        let numbers: Vec<_> = entries(&lines.lines())
            .iter()
            .map(|entry| entry.sequence)
            .collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
    });
}
