//! The verbs by which a graph of operations is put together.

use std::time::Duration;

use fascine::flow::{Flow, FlowReport, GraphError, Join, OnError, Question, Status, StepContext};
use fascine::session::{Operation, OperationGraph, OperationOutput, SessionError};
use fascine_testing::TestRuntime;
use serde_json::json;

use super::{ask, echo, slow, text};
use crate::durations::seconds;

fn status(report: &FlowReport, name: &str) -> Status {
    report.step(name).unwrap().status
}

#[test]
fn operations_run_side_by_side_unless_they_depend_on_each_other() {
    TestRuntime::run_seeds(8, |rt| async move {
        let graph = OperationGraph::new()
            .add_operation("a", ask("1"))
            .add_operation("b", ask("2"))
            .add_operation("c", ask("3"));
        let report = slow(&rt).flow(&graph).await.unwrap();
        assert_eq!(report.wall, seconds(1));
    });
}

#[test]
fn a_chain_is_one_after_the_other_beside_all_else() {
    TestRuntime::run_seeds(8, |rt| async move {
        let graph = OperationGraph::new()
            .add_operation("x", ask("0"))
            .chain([
                ("a", ask("1")),
                ("b", ask("2").depends_on("x")),
                ("c", ask("3")),
            ])
            .chain([("d", ask("1")), ("e", ask("2"))])
            .chain(Vec::<(String, Operation)>::new());
        let report = slow(&rt).flow(&graph).await.unwrap();
        assert_eq!(report.wall, seconds(3));
        assert_eq!(report.step("e").unwrap().started, Some(seconds(1)));
        assert_eq!(
            graph.names().collect::<Vec<_>>(),
            ["x", "a", "b", "c", "d", "e"]
        );
    });
}

#[test]
fn what_a_chain_inherits_is_the_one_before() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .add_operation("x", ask("aside"))
            .chain([
                ("a", ask("1")),
                ("b", ask("2").depends_on("x").inherit_context()),
            ]);
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "b"), "2\n\n# x\n\naside");
    });
}

#[test]
fn an_aggregation_waits_for_all_and_has_their_answers_in_order() {
    TestRuntime::run_seeds(8, |rt| async move {
        let graph = OperationGraph::new()
            .add_operation("a", ask("first"))
            .add_operation("b", ask("second"))
            .add_aggregation("all", ["b", "a"], ask("Sum up."));
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(
            text(&report, "all"),
            "Sum up.\n\n# b\n\nsecond\n\n# a\n\nfirst"
        );
    });
}

#[test]
fn an_aggregation_goes_without_what_failed_only_if_it_says_so() {
    TestRuntime::run(|rt| async move {
        let strict = ask("Sum up.");
        let lenient = strict.clone().with_step(|step| step.join(Join::Any));
        let graph = OperationGraph::new()
            .add_operation("a", ask("bad"))
            .add_operation("b", ask("good"))
            .add_aggregation("strict", ["a", "b"], strict)
            .add_aggregation("lenient", ["a", "b"], lenient);
        let report = slow(&rt).flow(&graph).await.unwrap();
        assert_eq!(status(&report, "strict"), Status::Skipped);
        assert_eq!(status(&report, "lenient"), Status::Completed);
    });
}

#[test]
fn an_aggregation_of_nothing_is_an_error() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new().add_aggregation("all", [""; 0], ask("Sum up."));
        let error = echo(&rt).compile(&graph).unwrap_err();
        assert_eq!(error.to_string(), "aggregation `all` has no sources");
    });
}

#[test]
fn one_way_of_two_is_taken_and_the_other_is_no_failure() {
    TestRuntime::run_seeds(8, |rt| async move {
        for (answer, taken, other) in [("high", "page", "wait"), ("low", "wait", "page")] {
            let graph = OperationGraph::new()
                .add_conditional_branch(
                    ("risk", ask(answer)),
                    |answer| answer.text == "high",
                    ("page", ask("Wake them.")),
                    ("wait", ask("Wait.")),
                )
                // Another condition on the same answer takes nothing away from either way.
                .add_operation("note", ask("Note.").depends_on_when("risk", |_| true));
            let report = echo(&rt).flow(&graph).await.unwrap();
            assert_eq!(status(&report, taken), Status::Completed);
            assert_eq!(status(&report, other), Status::Skipped);
            assert!(report.is_success());
        }
    });
}

#[test]
fn neither_way_is_taken_when_the_question_failed() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new().add_conditional_branch(
            ("risk", ask("bad")),
            |answer| answer.text == "high",
            ("page", ask("Wake them.")),
            ("wait", ask("Wait.")),
        );
        let report = slow(&rt).flow(&graph).await.unwrap();
        assert_eq!(status(&report, "page"), Status::Skipped);
        assert_eq!(status(&report, "wait"), Status::Skipped);
        assert!(!report.is_success());
    });
}

#[test]
fn conditions_see_text_data_state_and_errors() {
    TestRuntime::run(|rt| async move {
        let session = echo(&rt);
        let data = |_, _| async { Ok(json!({ "severity": 9 })) };
        let fails = |_, _| async { Err::<OperationOutput, _>("no".into()) };
        let fails = Operation::function(fails).with_step(|step| step.on_error(OnError::Continue));
        let graph = OperationGraph::new()
            .with_steps(|graph| {
                let step = graph.step("plain", |context| async move {
                    context.update("seen", true)?;
                    Ok(5)
                });
                step.writes("seen");
            })
            .add_operation("data", Operation::function(data))
            .add_operation("fails", fails)
            .add_operation(
                "by data",
                ask("1").depends_on_when("data", |data| data.data["severity"] == 9),
            )
            .add_operation(
                "by text",
                ask("2").depends_on_when("plain", |plain| plain.text == "5"),
            )
            .add_operation(
                "by state",
                ask("3")
                    .depends_on_seen("plain", |seen| seen.state.get("seen") == Some(&json!(true))),
            )
            .add_operation(
                "by error",
                ask("4").depends_on_seen("fails", |seen| seen.outcome.is_err()),
            )
            .add_operation("by no answer", ask("5").depends_on_when("fails", |_| true));
        let report = session.flow(&graph).await.unwrap();
        for name in ["by data", "by text", "by state", "by error"] {
            assert_eq!(status(&report, name), Status::Completed, "{name}");
        }
        assert_eq!(status(&report, "by no answer"), Status::Skipped);
    });
}

#[test]
fn what_is_left_goes_the_other_way() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .add_operation("category", ask("other"))
            .add_operation(
                "a",
                ask("A").depends_on_when("category", |answer| answer.text == "a"),
            )
            .add_operation(
                "b",
                ask("B").depends_on_when("category", |answer| answer.text == "b"),
            )
            .add_operation("rest", ask("?").depends_on_otherwise("category"));
        let report = echo(&rt).flow(&graph).await.unwrap();
        let taken = report
            .with_status(Status::Completed)
            .map(|step| step.name.as_str());
        assert_eq!(taken.collect::<Vec<_>>(), ["category", "rest"]);
    });
}

#[test]
fn a_person_is_asked_between_operations() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .with_steps(|graph| {
                let question = |context: StepContext, ()| async move {
                    let draft = OperationOutput::input(&context, "draft");
                    let draft = draft.ok_or("there is no draft")?;
                    Ok(Question::<bool>::new("Send it?").with_details(&draft.text))
                };
                graph.ask("approve", (), question);
                graph.edge("draft", "approve");
            })
            .add_operation("draft", ask("We are sorry."))
            .add_operation(
                "send",
                ask("Send.").depends_on_when("approve", |yes| yes.data == true),
            )
            .add_operation("bin", ask("Bin.").depends_on_otherwise("approve"));
        let run = echo(&rt).start(&Flow::new(&rt), &graph).unwrap();
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        let question = questions.next().await.unwrap();
        assert_eq!(question.details, "We are sorry.");
        answers.answer(&question.step, true).unwrap();
        let report = running.await.unwrap();
        assert_eq!(status(&report, "send"), Status::Completed);
        assert_eq!(status(&report, "bin"), Status::Skipped);
    });
}

#[test]
fn steps_are_set_as_in_any_graph() {
    TestRuntime::run(|rt| async move {
        let late = ask("late").with_step(|step| step.timeout(Duration::from_millis(500)));
        let graph = OperationGraph::new()
            .with_steps(|graph| {
                graph.resource("line", std::num::NonZeroUsize::MIN);
            })
            .add_operation("late", late)
            .add_operation(
                "a",
                ask("a").with_step(|step| step.resource("line").priority(1)),
            )
            .add_operation(
                "b",
                ask("b")
                    .with_step(|step| step.resource("line"))
                    .with_step(|step| step.priority(2)),
            );
        let report = slow(&rt).flow(&graph).await.unwrap();
        assert_eq!(status(&report, "late"), Status::Failed);
        assert_eq!(report.step("b").unwrap().started, Some(seconds(0)));
        assert_eq!(report.step("a").unwrap().started, Some(seconds(1)));
    });
}

#[test]
fn graphs_that_cannot_be_run_say_why() {
    TestRuntime::run(|rt| async move {
        let session = echo(&rt);
        let one = |operation| OperationGraph::new().add_operation("x", operation);
        let error = session
            .flow(&one(ask("?").on_branch("nobody")))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "operation `x` wants a branch `nobody` that does not exist"
        );
        let error = session
            .compile(&one(ask("?").commit_to("nobody")))
            .unwrap_err();
        assert!(
            matches!(error, SessionError::UnknownBranch { .. }),
            "{error}"
        );
        let error = session
            .start(&Flow::new(&rt), &one(ask("?").depends_on("x")))
            .unwrap_err();
        assert!(
            matches!(error, SessionError::Graph(GraphError::Cycle { .. })),
            "{error}"
        );
        let error = session.compile(&one(ask("?").depends_on("y"))).unwrap_err();
        assert!(matches!(error, SessionError::Graph(_)), "{error}");
        let twice = one(ask("?").depends_on("y").depends_on("y")).add_operation("y", ask("!"));
        let error = session.compile(&twice).unwrap_err();
        assert!(
            matches!(error, SessionError::Graph(GraphError::DuplicateEdge { .. })),
            "{error}"
        );
        let error = session
            .compile(&one(ask("?")).add_operation("x", ask("!")))
            .unwrap_err();
        assert!(matches!(error, SessionError::Graph(_)), "{error}");
    });
}

#[test]
fn a_graph_of_ten_thousand_operations_is_run() {
    TestRuntime::run(|rt| async move {
        let named = |n: u32| (n.to_string(), ask("hello"));
        let graph = OperationGraph::new().chain((0..10_000).map(named));
        let report = echo(&rt).flow_with_cleanup(&graph, ["9999"]).await.unwrap();
        assert!(report.is_success());
    });
}
