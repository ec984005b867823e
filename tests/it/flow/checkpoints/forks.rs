//! Running again from a moment, and beginning another run there.

use fascine::flow::{
    Checkpoint, CheckpointError, Flow, Graph, GraphBuilder, MemoryCheckpoint, Point, ResumeError,
    Snapshot, StepRecord,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::json;

use super::effects::{Effects, run_id};

/// Numbers that add up: each step gives one more than the last and writes it.
fn counting(effects: &Effects) -> Graph {
    let mut graph = GraphBuilder::new();
    let seen = effects.clone();
    let first = graph.step("a", move |context| {
        seen.add("a");
        async move {
            context.update("a", 1)?;
            Ok(1)
        }
    });
    let mut last = first.writes("a").id();
    for name in ["b", "c", "d"] {
        let seen = effects.clone();
        let step = graph.then(name, last, move |context, before| {
            seen.add(name);
            async move {
                context.update(name, *before + 1)?;
                Ok(*before + 1)
            }
        });
        last = step.writes(name).id();
    }
    graph.build().unwrap()
}

#[test]
fn a_replay_runs_what_came_after_a_moment_again() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = counting(&effects);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        assert!(flow.run(&graph).await.is_success());
        let before = store.load(run_id("one")).await.unwrap();
        let point = before.after("b").unwrap();
        effects.clear();
        let replay = Flow::new(&rt)
            .keep_all()
            .replay_from(store.clone(), point.clone());
        let report = replay.start(&graph).await.unwrap().await;
        assert!(report.is_success());
        assert_eq!(
            effects.all(),
            [("c".to_owned(), 1), ("d".to_owned(), 1)].into()
        );
        assert_eq!(report.step("b").unwrap().json(), Some(2.into()));
        let after = store.load(run_id("one")).await.unwrap();
        assert!(
            after.end().records() > before.end().records(),
            "nothing is taken away"
        );
        assert_eq!(after.points().filter(|(_, step)| *step == "d").count(), 2);
        // A moment stays what it is, also one that counts no longer.
        effects.clear();
        let replay = Flow::new(&rt).replay_from(store.clone(), before.after("c").unwrap());
        assert!(replay.start(&graph).await.unwrap().await.is_success());
        assert_eq!(effects.all(), [("d".to_owned(), 1)].into());
        effects.clear();
        let replay = Flow::new(&rt).replay_from(store.clone(), before.before("a").unwrap());
        assert!(replay.start(&graph).await.unwrap().await.is_success());
        assert_eq!(effects.all().len(), 4);
        let far = Point::new(run_id("one"), 1_000_000);
        let error = Flow::new(&rt)
            .replay_from(store, far)
            .start(&graph)
            .await
            .unwrap_err();
        assert!(matches!(error, ResumeError::UnknownPoint { .. }));
    });
}

#[test]
fn a_replay_that_is_interrupted_is_resumed_in_its_own_time() {
    drop_after_every_poll(|rt, cut| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = counting(&effects);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        let point = store.load(run_id("one")).await.unwrap().after("a").unwrap();
        effects.clear();
        let flow = Flow::new(&rt);
        let replayed = async {
            let run = flow
                .replay_from(store.clone(), point)
                .start(&graph)
                .await
                .unwrap();
            run.await
        };
        cut.apply(replayed).await;
        let mut resume = flow.resume(store.clone(), run_id("one"));
        for (step, record) in store.load(run_id("one")).await.unwrap().steps() {
            if !matches!(record, StepRecord::Done(_)) {
                resume = resume.rerun(step);
            }
        }
        let report = resume.start(&graph).await.unwrap().await;
        assert!(report.is_success());
        let values: Vec<_> = report
            .state
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        assert_eq!(values, [1, 2, 3, 4]);
        assert_eq!(effects.of("a"), 0);
    });
}

#[test]
fn a_fork_leaves_the_first_run_as_it_is() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = counting(&effects);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        let before = store.load(run_id("one")).await.unwrap();
        let point = before.after("c").unwrap();
        effects.clear();
        let flow = Flow::new(&rt).keep_all();
        let fork = flow.fork_from(store.clone(), point.clone(), run_id("two"));
        let report = fork.with_output("b", 10).start(&graph).await.unwrap().await;
        assert_eq!(
            effects.all(),
            [("c".to_owned(), 1), ("d".to_owned(), 1)].into()
        );
        assert_eq!(report.step("d").unwrap().json(), Some(12.into()));
        assert_eq!(report.state.get("c"), Some(&json!(11)));
        let forked = store.load(run_id("two")).await.unwrap();
        assert_eq!(forked.header().forked_from(), Some(&point));
        let after = store.load(run_id("one")).await.unwrap();
        assert_eq!(after.end(), before.end());

        effects.clear();
        let fork = flow.fork_from(store.clone(), point.clone(), run_id("three"));
        let fork = fork.with_state(Snapshot::new([("z", json!(26))]));
        let report = fork.start(&graph).await.unwrap().await;
        assert_eq!(effects.all(), [("d".to_owned(), 1)].into());
        let keys: Vec<_> = report.state.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["d", "z"]);
        // A fork is a run like others.
        let resume = flow
            .resume(store.clone(), run_id("three"))
            .start(&graph)
            .await
            .unwrap();
        assert!(resume.await.is_success());
        assert_eq!(effects.all().len(), 1);
        let again = flow
            .fork_from(store, point, run_id("two"))
            .start(&graph)
            .await;
        let error = again.unwrap_err();
        assert!(matches!(
            error,
            ResumeError::Checkpoint(CheckpointError::Exists { .. })
        ));
    });
}

#[test]
fn keys_are_the_runs_own() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step(
            "made",
            |context| async move { Ok(context.idempotency_key()) },
        );
        let given = graph.step(
            "given",
            |context| async move { Ok(context.idempotency_key()) },
        );
        given.idempotency_key(|context| format!("order 7, {}", context.name()));
        let graph = graph.build().unwrap();
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        let report = flow.run(&graph).await;
        let key = |report: &fascine::flow::FlowReport, name| report.step(name).unwrap().json();
        assert_eq!(key(&report, "made"), Some("one/made".into()));
        assert_eq!(key(&report, "given"), Some("order 7, given".into()));
        let begin = Point::new(run_id("one"), 0);
        let fork = Flow::new(&rt).fork_from(store, begin, run_id("two"));
        let report = fork.start(&graph).await.unwrap().await;
        assert_eq!(key(&report, "made"), Some("two/made".into()));
        let report = Flow::new(&rt).run(&graph).await;
        assert_eq!(key(&report, "made"), Some(json!(null)));
    });
}
