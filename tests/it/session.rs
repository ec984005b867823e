//! Operations of branches as the steps of a flow.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use fascine::branch::Branch;
use fascine::flow::{Flow, GraphError, Status};
use fascine::http::Net;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session, SessionError};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    answers_are_handed_on_and_the_branch_stays_as_it_was,
}

async fn answers_are_handed_on_and_the_branch_stays_as_it_was(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::new(&rt, "echo", EchoModel);
    branch.communicate("before").await.unwrap();
    let session = Session::new(&rt, branch);
    let graph = OperationGraph::new()
        .add_operation(
            "b",
            Operation::communicate("second")
                .depends_on("a")
                .inherit_context(),
        )
        .add_operation("a", Operation::communicate("first"));
    let report = session.flow(&graph).await.unwrap();
    let text = |name| report.step(name).unwrap().json().unwrap()["text"].clone();
    assert_eq!(text("a"), "first");
    assert_eq!(text("b"), "second\n\n# a\n\nfirst");
    assert_eq!(session.branch("echo").unwrap().history().len(), 2);
}

#[test]
fn operations_side_by_side_do_not_hear_each_other() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(Duration::from_secs(1))
            .with_rule("", "ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let graph = (0..4).fold(OperationGraph::new(), |graph, n| {
            graph.add_operation(n.to_string(), Operation::communicate(n.to_string()))
        });
        let report = session.flow(&graph).await.unwrap();
        assert!(report.is_success());
        assert_eq!(
            report.wall,
            Duration::from_secs(1),
            "they waited for each other"
        );
    });
}

#[test]
fn each_operation_uses_the_branch_it_asks_for() {
    TestRuntime::run(|rt| async move {
        let branch = |name: &str, answer: &str| {
            Branch::new(&rt, name, ScriptedModel::new(&rt).with_rule("", answer))
        };
        let session = Session::new(&rt, branch("default", "d")).with_branch(branch("other", "o"));
        let graph = OperationGraph::new()
            .add_operation("x", Operation::communicate("?"))
            .add_operation("y", Operation::communicate("?").on_branch("other"));
        let report = session.flow(&graph).await.unwrap();
        let text = |name| report.step(name).unwrap().json().unwrap()["text"].clone();
        assert_eq!((text("x"), text("y")), ("d".into(), "o".into()));
    });
}

#[test]
fn conditions_see_the_answer() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let graph = OperationGraph::new()
            .add_operation("risks", Operation::communicate("severity: low"))
            .add_operation(
                "page",
                Operation::communicate("wake them")
                    .depends_on_when("risks", |text| text.contains("high")),
            );
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(report.step("page").unwrap().status, Status::Skipped);
        assert!(report.is_success());
    });
}

#[test]
fn an_error_names_the_step_the_attempt_and_the_cause() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_failing_rule("bad", 500)
            .with_rule("good", "ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let graph = OperationGraph::new()
            .add_operation("one", Operation::communicate("bad"))
            .add_operation("two", Operation::communicate("good"))
            .add_operation("three", Operation::communicate("good").depends_on("one"));
        let report = session.flow(&graph).await.unwrap();
        let mut error: &dyn Error = report.step("one").unwrap().error.as_ref().unwrap();
        let mut told = vec![error.to_string()];
        while let Some(cause) = error.source() {
            told.push(cause.to_string());
            error = cause;
        }
        assert_eq!(
            told,
            [
                "step `one` failed at attempt 1",
                "branch `b` got no answer from model `scripted`",
                "the model call failed at attempt 1",
                "the provider answered 500: refused by the script",
            ]
        );
        assert_eq!(report.step("two").unwrap().status, Status::Completed);
        assert_eq!(report.step("three").unwrap().status, Status::Skipped);
    });
}

#[test]
fn graphs_that_cannot_be_run_say_why() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "b", EchoModel));
        let graph = OperationGraph::new()
            .add_operation("x", Operation::communicate("?").on_branch("nobody"));
        let unknown = SessionError::UnknownBranch {
            operation: "x".into(),
            branch: "nobody".into(),
        };
        assert_eq!(session.flow(&graph).await.unwrap_err(), unknown);
        let graph =
            OperationGraph::new().add_operation("x", Operation::communicate("?").depends_on("x"));
        let error = session.start(&Flow::new(&rt), &graph).unwrap_err();
        assert!(
            matches!(error, SessionError::Graph(GraphError::Cycle { .. })),
            "{error}"
        );
    });
}

#[test]
fn dropping_a_flow_at_any_poll_leaves_the_session_as_it_was() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(Duration::from_secs(1))
            .with_rule("", "ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let graph = OperationGraph::new()
            .add_operation("x", Operation::communicate("1"))
            .add_operation("y", Operation::communicate("2").depends_on("x"));
        cut.apply(session.flow(&graph)).await;
        assert!(session.branch("b").unwrap().history().is_empty());
    });
}
