//! Flows of operations.

use std::error::Error;
use std::sync::Arc;

use fascine::branch::Branch;
use fascine::flow::{Flow, FlowReport, Status};
use fascine::http::Net;
use fascine::model::{EchoModel, Line, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session, SessionError};
use fascine_testing::TestRuntime;

use crate::durations::{ms, seconds};
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
                .with_answers(),
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
            .with_delay(seconds(1))
            .with_rule("", "ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let graph = (0..4).fold(OperationGraph::new(), |graph, n| {
            graph.add_operation(n.to_string(), Operation::communicate(n.to_string()))
        });
        let report = session.flow(&graph).await.unwrap();
        assert!(report.is_success());
        assert_eq!(report.wall, seconds(1), "they waited for each other");
    });
}

#[test]
fn each_operation_uses_the_branch_it_asks_for() {
    TestRuntime::run(|rt| async move {
        let branch = |name: &str, answer: &str| {
            Branch::new(&rt, name, ScriptedModel::new(&rt).with_rule("", answer))
        };
        let session = Session::new(&rt, branch("default", "d"))
            .with_branch(branch("other", "o"))
            .unwrap();
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
                    .depends_on_when("risks", |answer| answer.text.contains("high")),
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
fn only_the_outputs_that_are_asked_for_are_kept() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let ask = |text: &str| Operation::communicate(text);
        let graph = OperationGraph::new()
            .with_steps(|graph| {
                graph.step("plain", |_| async { Ok(1) });
            })
            .chain([("a", ask("1")), ("b", ask("2").with_answers())]);
        let report = session
            .flow_with_cleanup(&graph, ["a", "plain"])
            .await
            .unwrap();
        let kept = report.steps.iter().filter(|step| step.output.is_some());
        let kept: Vec<_> = kept.map(|step| step.name.as_str()).collect();
        assert_eq!(kept, ["a", "plain"]);
        let report = session.flow_with_cleanup(&graph, [""; 0]).await.unwrap();
        assert!(report.steps.iter().all(|step| step.output.is_none()));
        let error = session.flow_with_cleanup(&graph, ["c"]).await.unwrap_err();
        assert!(matches!(error, SessionError::UnknownOperation { operation } if operation == "c"));
    });
}

#[test]
fn one_graph_is_run_by_many_at_once() {
    TestRuntime::run_seeds(8, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(seconds(1))
            .with_rule("", "ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let ask = |text: &str| Operation::communicate(text);
        let graph =
            OperationGraph::new().chain([("a", ask("1")), ("b", ask("2").inherit_context())]);
        let runs: Vec<_> = (0..10)
            .map(|_| rt.spawn(session.start(&Flow::new(&rt).keep_all(), &graph).unwrap()))
            .collect();
        for run in runs {
            let report = run.await.unwrap();
            assert_eq!(report.with_status(Status::Completed).count(), 2);
            assert_eq!(report.wall, seconds(2));
        }
        assert!(session.default_branch().history().is_empty());
    });
}

/// Runs a graph of operations that take as long as it says, and depend on what it says.
async fn timed(rt: &Rt, flow: &Flow, steps: &[(&str, u64, &[&str])]) -> FlowReport {
    let mut model = ScriptedModel::new(rt);
    let mut graph = OperationGraph::new();
    for (name, time, after) in steps {
        model = model.with_rule_line(*name, Line::answer("Done.").with_delay(ms(*time)));
        let operation = Operation::communicate(*name);
        let after = after.iter().copied();
        graph = graph.add_operation(*name, after.fold(operation, Operation::depends_on));
    }
    let session = Session::new(rt, Branch::new(rt, "pipeline", model));
    let report = session.start(flow, &graph).unwrap().await;
    report.assert_completed().unwrap();
    report
}

const LOOKS: [(&str, u64, &[&str]); 3] = [
    ("stats", 1000, &[]),
    ("patterns", 1000, &[]),
    ("analysis", 1000, &[]),
];

#[test]
fn three_nodes_side_by_side_take_a_third_of_the_time() {
    TestRuntime::run_seeds(8, |rt| async move {
        let sequential = timed(&rt, &Flow::new(&rt).sequential(), &LOOKS).await.wall;
        let parallel = timed(&rt, &Flow::new(&rt), &LOOKS).await.wall;
        assert_eq!((sequential, parallel), (seconds(3), seconds(1)));
        assert!(sequential.as_secs_f64() / parallel.as_secs_f64() >= 2.9);
    });
}

#[test]
fn a_pipeline_takes_its_longest_way_and_no_more() {
    TestRuntime::run_seeds(8, |rt| async move {
        let pipeline: [(&str, u64, &[&str]); 5] = [
            ("ingest", 100, &[]),
            ("stats", 300, &["ingest"]),
            ("patterns", 700, &["ingest"]),
            ("analysis", 500, &["ingest"]),
            ("report", 200, &["stats", "patterns", "analysis"]),
        ];
        let parallel = timed(&rt, &Flow::new(&rt), &pipeline).await;
        assert_eq!(parallel.wall, ms(1000));
        assert_eq!(
            parallel.critical_path.steps,
            ["ingest", "patterns", "report"]
        );
        let sequential = timed(&rt, &Flow::new(&rt).sequential(), &pipeline).await;
        assert_eq!(sequential.wall, ms(1800));
    });
}

/// A level at a time, as linus has it, takes 0.95 s.
#[test]
fn a_step_does_not_wait_for_others_of_its_level() {
    TestRuntime::run_seeds(8, |rt| async move {
        let steps: [(&str, u64, &[&str]); 4] = [
            ("one", 50, &[]),
            ("two", 400, &["one"]),
            ("three", 50, &["two"]),
            ("slow", 500, &[]),
        ];
        let report = timed(&rt, &Flow::new(&rt), &steps).await;
        assert_eq!(report.wall, ms(500));
        assert_eq!(report.step("three").unwrap().started, Some(ms(450)));
    });
}
