//! What a run leaves in its session: nothing, unless it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fascine::branch::{Branch, EventKind, EventRecord, OnAbort};
use fascine::concurrency::fail_after;
use fascine::flow::{Flow, OnError, Status};
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, OperationOutput, Session};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::{ask, text};
use crate::durations::{ms, seconds};

/// A session of two branches that have something to remember; each answer takes a second.
async fn session(rt: &Rt) -> Session {
    let model = ScriptedModel::new(rt)
        .with_delay(seconds(1))
        .with_failing_rule("bad", 400)
        .with_rule("", "ok");
    let branch = |name: &str| {
        let branch = Branch::builder(rt, name, model.clone());
        branch.on_abort(OnAbort::KeepPartial).build()
    };
    let session = Session::new(rt, branch("one"))
        .with_branch(branch("two"))
        .unwrap();
    for (_, branch) in session.branches() {
        branch.communicate("before").await.unwrap();
    }
    session
}

fn job() -> OperationGraph {
    OperationGraph::new()
        .chain([
            ("a", ask("1")),
            ("b", ask("2").on_branch("two").inherit_context()),
        ])
        .add_operation("c", ask("bad"))
        .add_operation("d", ask("3").depends_on("c"))
}

/// How much each branch remembers: two messages a turn.
fn lengths(session: &Session) -> Vec<(String, usize)> {
    let branches = session.branches().into_iter();
    let lengths = branches.map(|(_, branch)| (branch.name().to_owned(), branch.history().len()));
    lengths.collect()
}

fn as_before(session: &Session) {
    assert_eq!(lengths(session), [("one".into(), 2), ("two".into(), 2)]);
}

#[test]
fn a_run_leaves_nothing_whether_operations_succeed_or_fail() {
    TestRuntime::run_seeds(16, |rt| async move {
        let session = session(&rt).await;
        let report = session.flow(&job()).await.unwrap();
        assert_eq!(report.step("b").unwrap().status, Status::Completed);
        assert_eq!(report.step("c").unwrap().status, Status::Failed);
        as_before(&session);
    });
}

#[test]
fn a_run_that_is_cancelled_leaves_nothing() {
    TestRuntime::run_seeds(16, |rt| async move {
        for time in [500, 1000, 1500] {
            let session = session(&rt).await;
            let flow = Flow::new(&rt).with_timeout(ms(time));
            let report = session.start(&flow, &job()).unwrap().await;
            assert!(report.timed_out);
            as_before(&session);
        }
    });
}

#[test]
fn a_run_that_is_dropped_at_any_poll_leaves_nothing() {
    drop_after_every_poll(|rt, cut| async move {
        let session = session(&rt).await;
        cut.apply(session.flow(&job())).await;
        as_before(&session);
    });
    drop_after_every_poll(|rt, cut| async move {
        let session = session(&rt).await;
        cut.apply(session.flow_with_cleanup(&job(), ["b"])).await;
        as_before(&session);
    });
}

/// A run is seldom polled: it is dropped between its steps too.
#[test]
fn a_run_that_is_dropped_at_any_time_leaves_nothing() {
    TestRuntime::run_seeds(16, |rt| async move {
        for quarters in 0..12 {
            let session = session(&rt).await;
            let time = ms(100 + 250 * quarters);
            let ended = fail_after(&rt, time, session.flow(&job())).await;
            assert_eq!(ended.is_ok(), quarters >= 8, "{quarters}");
            as_before(&session);
        }
    });
}

#[test]
fn what_is_committed_stays_and_later_operations_know_it() {
    TestRuntime::run_seeds(16, |rt| async move {
        let session = session(&rt).await;
        let known = |branch: Branch, _| async move { Ok(branch.history().len().to_string()) };
        let graph = OperationGraph::new()
            .add_operation("a", ask("1").commit())
            .add_operation("b", ask("2").commit_to("two"))
            .add_operation("c", Operation::function(known).depends_on("a"))
            .add_operation(
                "d",
                Operation::function(known).on_branch("two").depends_on("b"),
            );
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(
            (text(&report, "c"), text(&report, "d")),
            ("4".into(), "4".into())
        );
        assert_eq!(lengths(&session), [("one".into(), 4), ("two".into(), 4)]);
        let last = session.branch("two").unwrap().history();
        assert_eq!(last.iter().nth(2).unwrap().text(), "2");
    });
}

#[test]
fn commits_side_by_side_are_all_there_each_turn_whole() {
    TestRuntime::run_seeds(16, |rt| async move {
        let session = session(&rt).await;
        let graph = (0..8).fold(OperationGraph::new(), |graph, n| {
            graph.add_operation(n.to_string(), ask(n.to_string()).commit())
        });
        let flow = Flow::new(&rt).unlimited();
        let report = session.start(&flow, &graph).unwrap().await;
        assert!(report.is_success());
        let history = session.default_branch().history();
        assert_eq!((history.turns().len(), history.len()), (9, 18));
    });
}

#[test]
fn what_fails_is_not_committed() {
    TestRuntime::run(|rt| async move {
        let session = session(&rt).await;
        let half = |branch: Branch, _| async move {
            branch.communicate("half").await?;
            Err::<OperationOutput, _>("no".into())
        };
        let graph = OperationGraph::new()
            .add_operation("a", ask("bad").commit())
            .add_operation("b", Operation::function(half).commit_to("two"))
            .add_operation("c", Operation::function(half).keep_branch("kept"));
        session.flow(&graph).await.unwrap();
        as_before(&session);
    });
}

#[test]
fn a_committed_operation_brings_the_conversation_that_it_went_on_from() {
    TestRuntime::run(|rt| async move {
        let session = session(&rt).await;
        let graph = OperationGraph::new()
            .chain([("a", ask("1")), ("b", ask("2").inherit_context().commit())]);
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        let history = session.default_branch().history();
        let texts: Vec<_> = history.iter().map(|message| message.text()).collect();
        assert_eq!(texts, ["before", "ok", "1", "ok", "2", "ok"]);
    });
}

#[test]
fn a_commit_waits_for_the_turn_that_goes_on_in_its_branch() {
    TestRuntime::run_seeds(16, |rt| async move {
        let session = session(&rt).await;
        let branch = session.default_branch();
        let turn = rt.spawn(async move {
            branch.communicate("meanwhile").await.unwrap();
            branch.communicate("still").await.unwrap();
        });
        let graph = OperationGraph::new().add_operation("a", ask("1").commit());
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        turn.await.unwrap();
        let history = session.default_branch().history();
        assert_eq!(history.turns().len(), 4);
        assert!(history.turns().all(|turn| turn.messages().len() == 2));
    });
}

#[test]
fn a_kept_fork_becomes_a_branch() {
    TestRuntime::run(|rt| async move {
        let session = session(&rt).await;
        let graph = OperationGraph::new().add_operation("a", ask("1").keep_branch("draft"));
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        let draft = session.branch("draft").unwrap();
        assert_eq!((draft.name(), draft.history().len()), ("draft", 4));
        draft.communicate("goes on").await.unwrap();
        assert_eq!(session.branches().len(), 3);
        // The name is taken now: the same graph cannot be run again.
        let error = session.flow(&graph).await.unwrap_err();
        assert_eq!(error.to_string(), "operation `a` cannot keep its branch");
        session.remove_branch("draft").unwrap();
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
    });
}

#[test]
fn of_two_that_want_one_name_one_fails() {
    TestRuntime::run_seeds(8, |rt| async move {
        let session = session(&rt).await;
        let graph = OperationGraph::new()
            .add_operation("a", ask("1").keep_branch("draft"))
            .add_operation("b", ask("2").keep_branch("draft"))
            .add_operation("late", ask("3").keep_branch("draft").depends_on("z"))
            .chain([("x", ask("4")), ("y", ask("5")), ("z", ask("6"))]);
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(report.with_status(Status::Failed).count(), 2);
        assert_eq!(session.branches().len(), 3);
        // Nothing was spent on the one that came when the name was taken.
        assert_eq!(report.step("late").unwrap().elapsed, seconds(0));
    });
}

#[test]
fn what_was_kept_stays_whatever_becomes_of_the_run() {
    TestRuntime::run_seeds(16, |rt| async move {
        for quarters in 0..12 {
            let session = session(&rt).await;
            let graph = OperationGraph::new().chain([
                ("a", ask("1").commit()),
                ("b", ask("2").keep_branch("kept")),
                ("c", ask("3")),
            ]);
            let _ = fail_after(&rt, ms(100 + 250 * quarters), session.flow(&graph)).await;
            // After the first second there is the first turn, and after the next one the branch.
            let one = session.branch("one").unwrap().history();
            assert_eq!(one.len(), if quarters >= 4 { 4 } else { 2 }, "{quarters}");
            assert_eq!(
                session.branch("kept").is_some(),
                quarters >= 8,
                "{quarters}"
            );
        }
    });
}

#[test]
fn who_observes_a_branch_hears_of_its_operations() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let committed = Arc::new(AtomicU32::new(0));
        let observation = session
            .default_branch()
            .observe_kinds([EventKind::Committed], {
                let committed = Arc::clone(&committed);
                move |_: &EventRecord| {
                    committed.fetch_add(1, Ordering::Relaxed);
                }
            });
        let graph = OperationGraph::new().chain([("a", ask("1")), ("b", ask("2"))]);
        session.flow(&graph).await.unwrap();
        drop(observation);
        let committed = committed.load(Ordering::Relaxed);
        assert_eq!(committed, 2);
    });
}

#[test]
fn a_fork_is_built_as_the_operation_says() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let model = ScriptedModel::new(&rt).with_rule("", "from another model");
        let graph = OperationGraph::new()
            .add_operation(
                "a",
                ask("1").with_fork(move |fork| fork.model(model.clone())),
            )
            .add_operation(
                "b",
                ask("2")
                    .with_fork(|fork| fork.allow_models(["none"]))
                    .with_step(|step| step.on_error(OnError::SkipDependents)),
            );
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(text(&report, "a"), "from another model");
        let error = report.step("b").unwrap().error.clone().unwrap();
        let error = std::error::Error::source(&*error).unwrap();
        assert!(error.to_string().contains("must not ask"), "{error}");
        let refused = session.default_branch().communicate("still allowed").await;
        assert!(refused.is_ok_and(|reply| reply.text() == "still allowed"));
    });
}
