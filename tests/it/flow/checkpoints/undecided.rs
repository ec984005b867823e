//! What was begun, and nobody knows the end of.

use fascine::flow::{
    Checkpoint, CheckpointError, Flow, FlowReport, GraphBuilder, Header, Journal, MemoryCheckpoint,
    Record, ResumeError, RunId, Status, StepRecord,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;

use super::effects::{Effects, interrupted, paying, run_id};
use crate::durations::ms;

#[test]
fn what_was_started_never_runs_again_unseen() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, false);
        interrupted(&rt, &graph, &store, "one").await;
        let journal = store.load(run_id("one")).await.unwrap();
        assert!(matches!(journal.step("pay"), StepRecord::Started));
        assert!(matches!(journal.step("tell"), StepRecord::NotStarted));
        let flow = Flow::new(&rt);
        let resume = || flow.resume(store.clone(), run_id("one"));
        let error = resume().start(&graph).await.unwrap_err();
        assert_eq!(error.to_string(), "it is not known what came of `pay`");
        assert!(matches!(error, ResumeError::Undecided { steps } if steps == ["pay"]));
        assert_eq!(effects.of("pay"), 1, "nothing ran");
        let journal = store.load(run_id("one")).await.unwrap();
        assert_eq!(journal.end().records(), 1, "nothing was written");
        let run = resume().rerun("pay").start(&graph).await.unwrap();
        assert!(run.await.is_success());
        assert_eq!(effects.of("pay"), 2);

        interrupted(&rt, &graph, &store, "two").await;
        effects.clear();
        let resume = flow.resume(store.clone(), run_id("two"));
        let run = resume
            .assume_done("pay", "paid by hand")
            .start(&graph)
            .await
            .unwrap();
        let report = run.await;
        assert_eq!(
            report.step("tell").unwrap().json(),
            Some("paid by hand".into())
        );
        assert_eq!(effects.of("pay"), 0);

        interrupted(&rt, &graph, &store, "three").await;
        effects.clear();
        let resume = flow.resume(store.clone(), run_id("three"));
        let run = resume
            .assume_failed("pay", "no money")
            .start(&graph)
            .await
            .unwrap();
        let report = run.await;
        assert_eq!(report.step("pay").unwrap().status, Status::Failed);
        assert_eq!(report.step("tell").unwrap().status, Status::Skipped);
        assert_eq!(effects.all().len(), 0);
    });
}

#[test]
fn what_is_idempotent_runs_again_with_the_same_key() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, true);
        interrupted(&rt, &graph, &store, "one").await;
        let resume = Flow::new(&rt).resume(store.clone(), run_id("one"));
        let report = resume.start(&graph).await.unwrap().await;
        assert_eq!(report.step("tell").unwrap().json(), Some("one/pay".into()));
        assert_eq!(effects.of("pay"), 2);
    });
}

#[test]
fn what_a_timeout_dropped_is_unknown_and_never_done() {
    TestRuntime::run(|rt| async move {
        let clock = rt.clone();
        let mut graph = GraphBuilder::new();
        let slow = graph.step("slow", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(100)).await;
                Ok(())
            }
        });
        slow.timeout(ms(10));
        let graph = graph.build().unwrap();
        let (store, run) = (MemoryCheckpoint::new(), run_id("one"));
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
        assert_eq!(
            flow.run(&graph).await.with_status(Status::Failed).count(),
            1
        );
        let journal = store.load(run.clone()).await.unwrap();
        assert!(matches!(journal.step("slow"), StepRecord::OutcomeUnknown));
        let error = Flow::new(&rt)
            .resume(store, run)
            .start(&graph)
            .await
            .unwrap_err();
        assert!(matches!(error, ResumeError::Undecided { steps } if steps == ["slow"]));
    });
}

#[test]
fn what_a_cancelled_run_dropped_is_unknown() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, false);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        let report = flow.with_timeout(ms(5)).run(&graph).await;
        assert_eq!(report.step("pay").unwrap().status, Status::Cancelled);
        assert_eq!(report.wall, ms(5));
        let journal = store.load(run_id("one")).await.unwrap();
        assert!(matches!(journal.step("pay"), StepRecord::OutcomeUnknown));
    });
}

#[test]
fn of_two_who_take_a_run_over_one_is_refused() {
    TestRuntime::run_seeds(32, |rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, true);
        interrupted(&rt, &graph, &store, "one").await;
        effects.clear();
        let flow = Flow::new(&rt);
        let take = || {
            let (resume, graph) = (flow.resume(store.clone(), run_id("one")), graph.clone());
            rt.spawn(
                async move { Ok::<FlowReport, ResumeError>(resume.start(&graph).await?.await) },
            )
        };
        let ended = [take(), take()];
        let mut errors = Vec::new();
        for task in ended {
            match task.await.unwrap() {
                Err(ResumeError::Taken { .. }) => errors.push("taken"),
                Err(error) => panic!("{error}"),
                Ok(report) => match report.checkpoint_error.as_deref() {
                    None => assert!(report.is_success()),
                    Some(CheckpointError::Conflict { .. }) => errors.push("conflict"),
                    Some(error) => panic!("{error}"),
                },
            }
        }
        assert_eq!(errors.len(), 1);
        assert!(effects.of("tell") <= 1);
    });
}

#[test]
fn a_name_is_for_one_run() {
    TestRuntime::run(|rt| async move {
        let effects = Effects::default();
        let graph = paying(&rt, &effects, false);
        let flow = Flow::new(&rt).with_checkpoint(MemoryCheckpoint::new(), run_id("one"));
        assert!(flow.run(&graph).await.is_success());
        let report = flow.run(&graph).await;
        let error = report.checkpoint_error.as_deref();
        assert!(matches!(error, Some(CheckpointError::Exists { .. })));
        assert_eq!(effects.of("pay"), 1);
        assert!(report.steps.iter().all(|step| step.attempts == 0));
    });
}

#[test]
fn decisions_about_steps_that_are_not_there_or_done_are_refused() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, false);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        let resume = || Flow::new(&rt).resume(store.clone(), run_id("one"));
        let error = resume().rerun("nobody").start(&graph).await.unwrap_err();
        assert!(matches!(error, ResumeError::UnknownStep { step } if step == "nobody"));
        let error = resume()
            .assume_done("pay", 1)
            .start(&graph)
            .await
            .unwrap_err();
        assert!(matches!(error, ResumeError::AlreadyDone { step } if step == "pay"));
        let other = Flow::new(&rt).resume(store.clone(), run_id("other"));
        let error = other.start(&graph).await.unwrap_err();
        assert!(matches!(
            error,
            ResumeError::Checkpoint(CheckpointError::UnknownRun { .. })
        ));
        interrupted(&rt, &graph, &store, "two").await;
        let resume = Flow::new(&rt).resume(store.clone(), run_id("two"));
        let error = resume
            .assume_done("pay", 1)
            .start(&graph)
            .await
            .unwrap_err();
        assert!(matches!(error, ResumeError::Decode { step, .. } if step == "pay"));
    });
}

/// A store that takes some time for each append.
#[derive(Clone, Debug)]
struct Slow(Rt, MemoryCheckpoint);

impl Checkpoint for Slow {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        self.1.begin(run, header, records)
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        let this = self.clone();
        Box::pin(async move {
            this.0.sleep(ms(10)).await;
            this.1.append(run, at, records).await
        })
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        self.1.load(run)
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        self.1.list()
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        self.1.remove(run)
    }
}

#[test]
fn a_step_whose_start_was_still_being_written_did_not_begin() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = paying(&rt, &effects, false);
        let slow = Slow(rt.clone(), store.clone());
        let flow = Flow::new(&rt).with_checkpoint(slow, run_id("one"));
        let report = flow.with_timeout(ms(5)).run(&graph).await;
        assert_eq!(
            (report.step("pay").unwrap().attempts, effects.of("pay")),
            (0, 0)
        );
        assert!(report.checkpoint_error.is_none());
        let journal = store.load(run_id("one")).await.unwrap();
        assert!(matches!(journal.step("pay"), StepRecord::NotStarted));
        let resume = Flow::new(&rt).resume(store, run_id("one"));
        assert!(resume.start(&graph).await.unwrap().await.is_success());
        assert_eq!(effects.of("pay"), 1);
    });
}

#[test]
fn steps_that_end_together_are_recorded_together() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for number in 0..100 {
            let clock = rt.clone();
            graph.step(number.to_string(), move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(50)).await;
                    Ok(())
                }
            });
        }
        let graph = graph.build().unwrap();
        let slow = Slow(rt.clone(), MemoryCheckpoint::new());
        let flow = Flow::new(&rt)
            .unlimited()
            .with_checkpoint(slow, run_id("one"));
        let report = flow.run(&graph).await;
        assert!(report.is_success());
        // One append or two for all starts, and as many for all ends.
        assert!(
            report.wall <= ms(10 + 10 + 50 + 10 + 10),
            "{:?}",
            report.wall
        );
    });
}
