use std::error::Error;
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fascine::branch::{Branch, BranchLog, LogSink, MemoryLog};
use fascine::concurrency::{CancelScope, move_on_after};
use fascine::http::Net;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::FutureExt;

use crate::durations::{ms, seconds};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    logs_are_written_at_every_end,
}

fn logged(rt: &Rt) -> (Branch, BranchLog, MemoryLog) {
    let lines = MemoryLog::new(1000);
    let log = BranchLog::new(rt, lines.clone());
    let branch = Branch::builder(rt, "b", EchoModel).log(log.clone()).build();
    (branch, log, lines)
}

/// A sink that takes a second, and fails when it is told to.
#[derive(Clone, Debug)]
struct Slow {
    rt: Rt,
    lines: MemoryLog,
    fails: Arc<AtomicBool>,
}

impl Slow {
    fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            lines: MemoryLog::new(1000),
            fails: Arc::default(),
        }
    }
}

impl LogSink for Slow {
    fn append(&self, lines: Arc<[String]>) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
        let this = self.clone();
        Box::pin(async move {
            this.rt.sleep(seconds(1)).await;
            if this.fails.load(Ordering::SeqCst) {
                return Err("no disk".into());
            }
            this.lines.append(lines).await
        })
    }
}

async fn logs_are_written_at_every_end(rt: Rt, _: Arc<dyn Net>) {
    let (branch, log, lines) = logged(&rt);
    // The end, and what it gives.
    let answer = branch.scoped(|branch| async move { branch.communicate("x").await });
    assert_eq!(answer.await.unwrap().unwrap().text(), "x");
    assert_eq!(lines.lines().len(), 2);
    // An error.
    let failed: Result<(), &str> = branch
        .scoped(|branch| async move {
            branch.communicate("x").await.unwrap();
            Err("the body's own")
        })
        .await
        .unwrap();
    assert_eq!((failed, lines.lines().len()), (Err("the body's own"), 4));
    // A panic, which goes on.
    let panicking = branch.scoped(|branch| async move {
        branch.communicate("x").await.unwrap();
        panic!("the body's own");
    });
    let payload = AssertUnwindSafe(panicking)
        .catch_unwind()
        .await
        .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the body's own"));
    assert_eq!(lines.lines().len(), 6);
    // A drop; waiting for it is somebody else's.
    let dropped = branch.scoped(|branch| async move {
        branch.communicate("x").await.unwrap();
        pending::<()>().await;
    });
    assert!(move_on_after(&rt, ms(20), dropped).await.is_none());
    log.flush().await.unwrap();
    assert_eq!(lines.lines().len(), 8);
}

#[test]
fn a_cancelled_scope_waits_for_the_log_once_the_body_is_over() {
    TestRuntime::run_seeds(8, |rt| async move {
        let sink = Slow::new(&rt);
        let log = BranchLog::new(&rt, sink.clone());
        let branch = Branch::builder(&rt, "b", EchoModel).log(log).build();
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let cancelling = rt.spawn({
            let rt = rt.clone();
            async move {
                rt.sleep(ms(500)).await;
                handle.cancel();
            }
        });
        let started = rt.now();
        let _ = scope
            .run(branch.scoped(|branch| async move { branch.communicate("x").await }))
            .await;
        assert_eq!(rt.now() - started, seconds(1));
        assert_eq!(sink.lines.lines().len(), 2);
        cancelling.await.unwrap();
    });
}

#[test]
fn a_log_that_cannot_be_written_says_so_and_keeps_the_outcome_and_the_lines() {
    TestRuntime::run(|rt| async move {
        let sink = Slow::new(&rt);
        let log = BranchLog::new(&rt, sink.clone());
        let branch = Branch::builder(&rt, "b", EchoModel)
            .log(log.clone())
            .build();
        sink.fails.store(true, Ordering::SeqCst);
        let unflushed = branch
            .scoped(|branch| async move { branch.communicate("x").await })
            .await;
        let unflushed = unflushed.unwrap_err();
        let chain = [
            unflushed.to_string(),
            unflushed.source().unwrap().to_string(),
            unflushed.source().unwrap().source().unwrap().to_string(),
        ];
        assert_eq!(
            chain,
            [
                "the work has ended, but its log was not written",
                "the sink of the log took no lines",
                "no disk"
            ]
        );
        assert_eq!(unflushed.outcome.unwrap().text(), "x");
        assert_eq!((log.waiting_lines(), log.failures()), (2, 1));
        sink.fails.store(false, Ordering::SeqCst);
        log.flush().await.unwrap();
        assert_eq!((sink.lines.lines().len(), log.waiting_lines()), (2, 0));
    });
}

#[test]
fn a_branch_without_a_log_gives_the_outcome() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        assert_eq!(branch.scoped(|_| ready(5)).await.unwrap(), 5);
    });
}

#[test]
fn dropped_at_any_poll_every_line_is_written_once() {
    drop_after_every_poll(|rt, cut| async move {
        let sink = Slow::new(&rt);
        let log = BranchLog::new(&rt, sink.clone());
        let model = ScriptedModel::new(&rt)
            .with_delay(seconds(1))
            .with_rule("", "a");
        let branch = Branch::builder(&rt, "b", model).log(log.clone()).build();
        let scoped = branch.scoped(|branch| async move { branch.communicate("x").await });
        let ended = cut.apply(scoped).await;
        log.flush().await.unwrap();
        let lines = sink.lines.lines();
        let kinds: Vec<_> = lines
            .iter()
            .map(|line| line.contains("\"committed\""))
            .collect();
        match ended {
            Some(outcome) => {
                outcome.unwrap().unwrap();
                assert_eq!(kinds, [false, true]);
            }
            // It began and was committed or aborted, or it never began.
            None => assert!(kinds.len().is_multiple_of(2), "{lines:?}"),
        }
        branch.communicate("y").await.unwrap();
        log.flush().await.unwrap();
    });
}
