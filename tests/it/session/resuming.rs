//! Runs of operations that others take up.

use std::num::NonZeroU32;

use fascine::branch::Branch;
use fascine::concurrency::fail_after;
use fascine::flow::{Flow, FlowReport, MemoryCheckpoint, ResumeError, RunId};
use fascine::message::Message;
use fascine::model::ScriptedModel;
use fascine::rt::Rt;
use fascine::session::{
    Expansion, Operation, OperationGraph, OperationOutput, RoundContext, Rounds, Session,
};
use fascine_testing::TestRuntime;
use serde_json::json;

use super::{ask, text};
use crate::durations::{ms, seconds};

/// A session of another process: nothing is the same but what is recorded.
fn session(rt: &Rt, model: &ScriptedModel) -> Session {
    Session::new(rt, Branch::new(rt, "b", model.clone()))
}

fn model(rt: &Rt) -> ScriptedModel {
    ScriptedModel::new(rt).with_delay(seconds(1))
}

fn down(rt: &Rt, when: &str) -> ScriptedModel {
    model(rt).with_failing_rule(when, 500).with_rule("", "ok")
}

/// Runs the graph with the one model, and takes it up with the other.
async fn twice(
    rt: &Rt,
    graph: &OperationGraph,
    first: &ScriptedModel,
    second: &ScriptedModel,
) -> FlowReport {
    let (store, run) = (MemoryCheckpoint::new(), RunId::new("run").unwrap());
    let flow = Flow::new(rt).keep_all();
    let checked = flow.clone().with_checkpoint(store.clone(), run.clone());
    let report = session(rt, first).start(&checked, graph).unwrap().await;
    assert!(!report.is_success(), "there is nothing to go on with");
    let compiled = session(rt, second).compile(graph).unwrap();
    let resumed = flow.resume(store, run).start(&compiled).await.unwrap();
    resumed.await
}

/// What was said last, in each request.
fn asked(model: &ScriptedModel) -> Vec<String> {
    let requests = model.requests();
    let last = requests.iter().map(|request| request.messages.last());
    last.map(|message| message.map(Message::text).unwrap_or_default())
        .collect()
}

#[test]
fn a_conversation_goes_on_in_another_process_and_nobody_is_asked_twice() {
    TestRuntime::run_seeds(4, |rt| async move {
        let graph = OperationGraph::new().chain([
            ("a", ask("first")),
            ("b", ask("second").inherit_context()),
            ("c", ask("third").with_answers()),
        ]);
        let second = model(&rt).with_rule("second", "B").with_rule("third", "C");
        let report = twice(&rt, &graph, &down(&rt, "second"), &second).await;
        report.assert_completed().unwrap();
        assert_eq!(text(&report, "a"), "ok");
        assert_eq!(asked(&second), ["second", "third\n\n# b\n\nB"]);
        let requests = second.requests();
        let heard: Vec<_> = requests[0].messages.iter().map(Message::text).collect();
        assert_eq!(heard, ["first", "ok", "second"]);
    });
}

#[test]
fn items_that_are_done_are_not_done_again() {
    TestRuntime::run_seeds(4, |rt| async move {
        let each = Expansion::new(|item: String, _| ask(item)).with_aggregation(ask("Sum up."));
        let list = |_, _| async { Ok(json!(["x", "y", "z"])) };
        let graph = OperationGraph::new()
            .add_operation("list", Operation::function(list))
            .expand_from_result("each", "list", each);
        let second = model(&rt).with_rule("Sum up.", "all").with_rule("y", "Y");
        let report = twice(&rt, &graph, &down(&rt, "y"), &second).await;
        report.assert_completed().unwrap();
        assert_eq!(text(&report, "each"), "all");
        assert_eq!(
            asked(&second),
            ["y", "Sum up.\n\n# 0\n\nok\n\n# 1\n\nY\n\n# 2\n\nok"]
        );
    });
}

#[test]
fn rounds_that_are_done_are_not_done_again() {
    TestRuntime::run_seeds(4, |rt| async move {
        let round = |round: &RoundContext<'_>| {
            let turn = ask(format!("turn {}", round.number()));
            OperationGraph::new().add_operation("turn", turn)
        };
        let rounds = Rounds::new(NonZeroU32::new(3).unwrap(), round);
        let graph = OperationGraph::new().add_operation("talk", rounds);
        for (refused, asked_again) in [
            ("turn 2", &["turn 2", "turn 3"][..]),
            ("turn 3", &["turn 3"]),
        ] {
            let second = model(&rt).with_rule("", "again");
            let report = twice(&rt, &graph, &down(&rt, refused), &second).await;
            report.assert_completed().unwrap();
            assert_eq!(asked(&second), asked_again);
            assert_eq!(text(&report, "talk"), "again");
        }
    });
}

#[test]
fn what_earlier_rounds_committed_is_known_to_later_ones() {
    TestRuntime::run_seeds(4, |rt| async move {
        let round = |round: &RoundContext<'_>| {
            let turn = ask(format!("turn {}", round.number())).commit();
            OperationGraph::new().add_operation("turn", turn)
        };
        let rounds = Rounds::new(NonZeroU32::new(3).unwrap(), round);
        let graph = OperationGraph::new().add_operation("talk", Operation::from(rounds).commit());
        let second = model(&rt).with_rule("", "again");
        let report = twice(&rt, &graph, &down(&rt, "turn 3"), &second).await;
        report.assert_completed().unwrap();
        let requests = second.requests();
        let heard: Vec<_> = requests[0].messages.iter().map(Message::text).collect();
        assert_eq!(heard, ["turn 1", "ok", "turn 2", "ok", "turn 3"]);
    });
}

#[test]
fn turns_of_both_processes_have_ids_of_their_own() {
    TestRuntime::run_seeds(4, |rt| async move {
        let ids = |branch: Branch, _| async move {
            let history = branch.history();
            let ids: Vec<_> = history.turns().map(|turn| turn.id()).collect();
            Ok(OperationOutput::from_data(&ids)?)
        };
        let graph = OperationGraph::new().chain([
            ("a", ask("first")),
            ("b", ask("second").inherit_context()),
            ("ids", Operation::function(ids).inherit_context()),
        ]);
        let second = model(&rt).with_rule("", "ok");
        let report = twice(&rt, &graph, &down(&rt, "second"), &second).await;
        report.assert_completed().unwrap();
        let ids: Vec<String> = OperationOutput::of(&report, "ids")
            .unwrap()
            .value()
            .unwrap();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
    });
}

#[test]
fn items_of_both_processes_are_committed_side_by_side() {
    TestRuntime::run_seeds(4, |rt| async move {
        let each = Expansion::new(|item: String, _| ask(item).commit())
            .with_aggregation(ask("Sum up.").inherit_context());
        let list = |_, _| async { Ok(json!(["x", "y", "z"])) };
        let graph = OperationGraph::new()
            .add_operation("list", Operation::function(list))
            .expand_from_result("each", "list", Operation::from(each).commit());
        let (store, run) = (MemoryCheckpoint::new(), RunId::new("run").unwrap());
        let flow = Flow::new(&rt).keep_all();
        let checked = flow.clone().with_checkpoint(store.clone(), run.clone());
        let first = down(&rt, "y");
        session(&rt, &first).start(&checked, &graph).unwrap().await;
        let second = session(&rt, &down(&rt, "none"));
        let compiled = second.compile(&graph).unwrap();
        let resumed = flow.resume(store, run).start(&compiled);
        resumed.await.unwrap().await.assert_completed().unwrap();
        let history = second.default_branch().history();
        let mut said: Vec<_> = history
            .turns()
            .map(|turn| turn.messages()[0].text())
            .collect();
        said.sort();
        assert_eq!(said, ["x", "y", "z"]);
    });
}

#[test]
fn an_operation_of_which_nobody_knows_the_end_is_asked_again_only_if_that_is_said() {
    TestRuntime::run_seeds(4, |rt| async move {
        for says in [true, false] {
            let (store, run) = (MemoryCheckpoint::new(), RunId::new("run").unwrap());
            let operation = match says {
                true => ask("?").with_step(|step| step.idempotent()),
                false => ask("?"),
            };
            let graph = OperationGraph::new().add_operation("a", operation);
            let checked = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
            let slow = down(&rt, "none");
            let started = session(&rt, &slow).start(&checked, &graph).unwrap();
            fail_after(&rt, ms(500), started).await.unwrap_err();
            let compiled = session(&rt, &slow).compile(&graph).unwrap();
            let resumed = Flow::new(&rt).resume(store, run).start(&compiled).await;
            match resumed {
                Ok(resumed) => {
                    assert!(says && resumed.await.is_success());
                    assert_eq!(slow.requests().len(), 2);
                }
                Err(error) => {
                    assert!(
                        !says && matches!(error, ResumeError::Undecided { .. }),
                        "{error}"
                    );
                }
            }
        }
    });
}

#[test]
fn an_expansion_that_was_cut_off_goes_on_with_what_it_had() {
    TestRuntime::run_seeds(4, |rt| async move {
        let each = Expansion::new(|item: String, _| ask(item).with_step(|step| step.idempotent()));
        let list = |_, _| async { Ok(json!(["x", "y", "z"])) };
        let list = Operation::function(list).with_step(|step| step.idempotent());
        let graph = OperationGraph::new()
            .add_operation("list", list)
            .expand_from_result("each", "list", each);
        let (store, run) = (MemoryCheckpoint::new(), RunId::new("run").unwrap());
        let one = Flow::new(&rt).sequential().keep_all();
        let checked = one.clone().with_checkpoint(store.clone(), run.clone());
        let first = down(&rt, "none");
        let started = session(&rt, &first).start(&checked, &graph).unwrap();
        fail_after(&rt, ms(1500), started).await.unwrap_err();
        let second = model(&rt).with_rule("", "later");
        let compiled = session(&rt, &second).compile(&graph).unwrap();
        let resumed = one.resume(store, run).start(&compiled).await.unwrap();
        let report = resumed.await;
        let each = OperationOutput::of(&report, "each").unwrap();
        assert_eq!(each.data, json!(["ok", "later", "later"]));
        assert_eq!(asked(&second), ["y", "z"]);
    });
}
