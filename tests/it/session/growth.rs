//! Operations that are known only when others have answered.

use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};

use fascine::branch::{Branch, Budget};
use fascine::concurrency::fail_after;
use fascine::flow::{Flow, FlowReport, OnError, Status};
use fascine::model::{EchoModel, Line, ScriptedModel};
use fascine::session::{
    ExpandStrategy, Expansion, Operation, OperationGraph, OperationOutput, RoundContext, Rounds,
    Session, SessionError, Spending,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::{Value, json};

use super::{ask, echo, slow, text};
use crate::durations::{ms, seconds};

/// A graph with a list, and what is made of its items.
fn expand(list: Value, expansion: impl Into<Operation>) -> OperationGraph {
    let list = move |_, _| std::future::ready(Ok(list.clone()));
    OperationGraph::new()
        .add_operation("list", Operation::function(list))
        .expand_from_result("each", "list", expansion)
}

fn chunks(of: usize) -> NonZeroUsize {
    NonZeroUsize::new(of).unwrap()
}

fn started(report: &FlowReport, path: &str) -> u64 {
    let started = report.step(path).unwrap().started;
    started.expect("it has begun").as_secs()
}

#[test]
fn each_item_becomes_an_operation_and_their_answers_a_list_in_order() {
    TestRuntime::run_seeds(16, |rt| async move {
        let each = Expansion::new(|item: String, number| ask(format!("{number}: {item}")));
        let graph = expand(json!(["a", "b", "c"]), each);
        let report = echo(&rt).flow(&graph).await.unwrap();
        let each = OperationOutput::of(&report, "each").unwrap();
        assert_eq!(each.data, json!(["0: a", "1: b", "2: c"]));
        assert_eq!(text(&report, "each/1"), "1: b");
        assert!(report.is_success());
    });
}

#[test]
fn each_strategy_takes_the_time_that_follows_from_it() {
    TestRuntime::run_seeds(16, |rt| async move {
        let cases: [(ExpandStrategy, u64, [u64; 5]); 4] = [
            (ExpandStrategy::Concurrent, 1, [0, 0, 0, 0, 0]),
            (ExpandStrategy::Sequential, 5, [0, 1, 2, 3, 4]),
            (ExpandStrategy::ChunkByChunk(chunks(2)), 3, [0, 0, 1, 1, 2]),
            (
                ExpandStrategy::ChunksSideBySide(chunks(2)),
                2,
                [0, 1, 0, 1, 0],
            ),
        ];
        for (strategy, wall, begins) in cases {
            let each = Expansion::new(|item: u32, _| ask(item.to_string())).with_strategy(strategy);
            let report = slow(&rt)
                .flow(&expand(json!([0, 1, 2, 3, 4]), each))
                .await
                .unwrap();
            assert!(report.is_success());
            assert_eq!(report.wall, seconds(wall), "{strategy:?}");
            let begun = [0, 1, 2, 3, 4].map(|number| started(&report, &format!("each/{number}")));
            assert_eq!(begun, begins, "{strategy:?}");
        }
    });
}

#[test]
fn every_number_of_items_fits_every_strategy() {
    TestRuntime::run(|rt| async move {
        for n_items in 0..7_usize {
            for strategy in [
                ExpandStrategy::Concurrent,
                ExpandStrategy::Sequential,
                ExpandStrategy::ChunkByChunk(chunks(1)),
                ExpandStrategy::ChunkByChunk(chunks(3)),
                ExpandStrategy::ChunkByChunk(NonZeroUsize::MAX),
                ExpandStrategy::ChunksSideBySide(chunks(1)),
                ExpandStrategy::ChunksSideBySide(chunks(3)),
                ExpandStrategy::ChunksSideBySide(NonZeroUsize::MAX),
            ] {
                let list: Vec<String> = (0..n_items).map(|n| n.to_string()).collect();
                let each = Expansion::new(|item: String, _| ask(item)).with_strategy(strategy);
                let report = echo(&rt).flow(&expand(json!(list), each)).await.unwrap();
                let each = OperationOutput::of(&report, "each").unwrap();
                assert_eq!(each.data, json!(list), "{strategy:?} of {n_items}");
            }
        }
    });
}

#[test]
fn items_share_the_places_of_the_flow() {
    TestRuntime::run_seeds(8, |rt| async move {
        let each = Expansion::new(|item: u32, _| ask(item.to_string()));
        let graph = expand(json!((0..10).collect::<Vec<_>>()), each);
        for (places, wall) in [(1, 10), (2, 5), (5, 2)] {
            let flow = Flow::new(&rt).with_max_concurrent(chunks(places));
            let report = slow(&rt).start(&flow, &graph).unwrap().await;
            assert!(report.is_success());
            assert_eq!(report.wall, seconds(wall));
        }
    });
}

#[test]
fn items_use_the_resources_of_the_graph_around_them() {
    TestRuntime::run_seeds(8, |rt| async move {
        let each = Expansion::new(|item: u32, _| {
            ask(item.to_string()).with_step(|step| step.resource("line"))
        });
        let graph = expand(json!([1, 2, 3, 4]), each).with_steps(|graph| {
            graph.resource("line", chunks(2));
        });
        let report = slow(&rt).flow(&graph).await.unwrap();
        report.assert_completed().unwrap();
        assert_eq!(report.wall, seconds(2));
    });
}

#[test]
fn an_aggregation_has_the_answers_of_all() {
    TestRuntime::run_seeds(8, |rt| async move {
        let each = Expansion::new(|item: String, _| ask(item)).with_aggregation(ask("Sum up."));
        let report = echo(&rt)
            .flow(&expand(json!(["a", "b"]), each.clone()))
            .await
            .unwrap();
        assert_eq!(text(&report, "each"), "Sum up.\n\n# 0\n\na\n\n# 1\n\nb");
        let report = echo(&rt).flow(&expand(json!([]), each)).await.unwrap();
        assert_eq!(
            OperationOutput::of(&report, "each").unwrap().data,
            json!([])
        );
        assert!(report.is_success());
    });
}

#[test]
fn a_failed_item_fails_the_expansion_when_all_have_ended_and_names_itself() {
    TestRuntime::run_seeds(8, |rt| async move {
        let each = Expansion::new(|item: String, _| ask(item));
        let report = slow(&rt)
            .flow(&expand(json!(["a", "bad", "c"]), each))
            .await
            .unwrap();
        let error = report.step("each").unwrap().error.clone().unwrap();
        let cause = error.source().unwrap().to_string();
        assert!(
            cause.contains("1` did not complete: it is failed"),
            "{cause}"
        );
        assert_eq!(report.step("each/2").unwrap().status, Status::Completed);
    });
}

#[test]
fn failures_that_are_allowed_leave_a_gap_whatever_the_strategy() {
    TestRuntime::run_seeds(8, |rt| async move {
        for strategy in [
            ExpandStrategy::Concurrent,
            ExpandStrategy::Sequential,
            ExpandStrategy::ChunkByChunk(chunks(1)),
            ExpandStrategy::ChunksSideBySide(chunks(2)),
        ] {
            let each = Expansion::new(|item: String, _| ask(item))
                .with_strategy(strategy)
                .allow_failures();
            let graph = expand(json!(["a", "bad", "c"]), each.clone());
            let report = slow(&rt).flow(&graph).await.unwrap();
            let output = OperationOutput::of(&report, "each").unwrap();
            assert_eq!(output.data, json!(["ok", null, "ok"]), "{strategy:?}");
            let graph = expand(
                json!(["a", "bad", "c"]),
                each.with_aggregation(ask("Sum up.")),
            );
            let report = slow(&rt).flow(&graph).await.unwrap();
            assert_eq!(text(&report, "each"), "ok", "{strategy:?}");
        }
    });
}

#[test]
fn what_is_no_list_or_holds_something_else_is_an_error_that_says_so() {
    TestRuntime::run(|rt| async move {
        let cases = [
            (json!("abc"), "there is no list to make operations of"),
            (json!(5), "there is no list to make operations of"),
            (
                json!({ "a": [1], "b": [2] }),
                "there is no list to make operations of",
            ),
            (json!([1, "two"]), "item 1 of the list is of another type"),
        ];
        for (list, reason) in cases {
            let each = Expansion::new(|item: u32, _| ask(item.to_string()));
            let report = echo(&rt).flow(&expand(list, each)).await.unwrap();
            let error = report.step("each").unwrap().error.clone().unwrap();
            assert_eq!(error.source().unwrap().to_string(), reason);
        }
        // The only list in an object is the one that is meant.
        let each = Expansion::new(|item: u32, _| ask(item.to_string()));
        let graph = expand(json!({ "topics": [1, 2], "why": "so" }), each);
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(
            OperationOutput::of(&report, "each").unwrap().data,
            json!(["1", "2"])
        );
    });
}

#[test]
fn registered_functions_branches_and_settings_work_in_items() {
    TestRuntime::run(|rt| async move {
        let other = ScriptedModel::new(&rt).with_rule("", "from the other");
        let session = echo(&rt)
            .with_branch(Branch::new(&rt, "other", other))
            .unwrap();
        let shout = |branch: Branch, _, text: String| async move {
            Ok(branch.communicate(text.to_uppercase()).await?)
        };
        session.register("shout", shout).unwrap();
        let each = Expansion::new(|item: String, number| match number {
            0 => Operation::registered("shout", item),
            1 => ask(item).on_branch("other"),
            _ => ask(item).with_step(|step| step.timeout(ms(10))),
        });
        let graph = expand(json!(["a", "b", "c"]), each);
        let report = session.flow(&graph).await.unwrap();
        let each = OperationOutput::of(&report, "each").unwrap();
        assert_eq!(each.data, json!(["A", "from the other", "c"]));
        let each = Expansion::new(|item: String, _| Operation::registered(item, Value::Null));
        let report = session
            .flow(&expand(json!(["nobody"]), each))
            .await
            .unwrap();
        let error = report.step("each").unwrap().error.clone().unwrap();
        let cause = error.source().unwrap().to_string();
        assert_eq!(
            cause,
            "operation `0` wants a function `nobody` that is not registered"
        );
    });
}

#[test]
fn items_know_what_the_expansion_inherits_and_sequential_ones_each_other() {
    TestRuntime::run(|rt| async move {
        let known = || {
            let known = |branch: Branch, _| async move {
                branch.communicate("?").await?;
                Ok(json!(branch.history().len()))
            };
            Operation::function(known)
        };
        let cases = [
            (ExpandStrategy::Concurrent, json!([4, 4, 4])),
            (ExpandStrategy::Sequential, json!([4, 6, 8])),
        ];
        for (strategy, lengths) in cases {
            let each = Expansion::new(move |_: Value, _| known().inherit_context());
            let list = |branch: Branch, _| async move {
                branch.communicate("before").await?;
                Ok(json!([1, 2, 3]))
            };
            let graph = OperationGraph::new()
                .add_operation("list", Operation::function(list))
                .expand_from_result(
                    "each",
                    "list",
                    Operation::from(each.with_strategy(strategy)).inherit_context(),
                );
            let session = echo(&rt);
            let report = session.flow(&graph).await.unwrap();
            assert_eq!(OperationOutput::of(&report, "each").unwrap().data, lengths);
            assert!(session.default_branch().history().is_empty());
        }
    });
}

#[test]
fn what_items_commit_is_the_expansions_and_goes_with_it_unless_that_is_committed() {
    TestRuntime::run(|rt| async move {
        let each = || {
            let each = Expansion::new(|item: String, _| ask(item).commit());
            Operation::from(each.with_strategy(ExpandStrategy::Sequential))
        };
        let session = echo(&rt);
        session
            .flow(&expand(json!(["a", "b"]), each()))
            .await
            .unwrap();
        assert!(session.default_branch().history().is_empty());
        session
            .flow(&expand(json!(["a", "b"]), each().commit()))
            .await
            .unwrap();
        let history = session.default_branch().history();
        let said: Vec<_> = history
            .turns()
            .map(|turn| turn.messages()[0].text())
            .collect();
        assert_eq!(said, ["a", "b"]);
    });
}

#[test]
fn nothing_is_counted_twice_in_what_items_cost() {
    TestRuntime::run(|rt| async move {
        let each = Expansion::new(|item: String, _| ask(item)).with_aggregation(ask("Sum up."));
        let budget = Budget::new();
        let graph = expand(json!(["a", "b", "c"]), each).with_budget(budget.clone());
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(Spending::of(&report).attempts, 4);
        assert_eq!(budget.spent().requests, 4);
    });
}

#[test]
fn items_on_other_branches_spend_from_the_budgets_around_them_once() {
    TestRuntime::run(|rt| async move {
        let session = echo(&rt)
            .with_branch(Branch::new(&rt, "other", EchoModel))
            .unwrap();
        let (all, own) = (Budget::new(), Budget::new());
        let inner = |on: &'static str| {
            let round = move |_: &RoundContext<'_>| {
                let graph = OperationGraph::new().add_operation("here", ask("1"));
                graph.add_operation("there", ask("2").on_branch(on))
            };
            Operation::from(Rounds::new(NonZeroU32::MIN, round))
        };
        let each = Expansion::new(move |on: String, _| match on.as_str() {
            "other" => inner("echo").on_branch("other"),
            _ => inner("other"),
        });
        let each = Operation::from(each).with_budget(own.clone());
        let graph = expand(json!(["other", "echo"]), each).with_budget(all.clone());
        let report = session.flow(&graph).await.unwrap();
        report.assert_completed().unwrap();
        assert_eq!((all.spent().requests, own.spent().requests), (4, 4));
        let poor = expand(
            json!(["other"]),
            Expansion::new(move |_: Value, _| inner("other")),
        );
        let report = session
            .flow(&poor.with_budget(Budget::new().with_requests(1)))
            .await
            .unwrap();
        assert_eq!(Spending::of(&report).attempts, 1);
        assert!(!report.is_success());
    });
}

#[test]
fn expansions_expand() {
    TestRuntime::run_seeds(8, |rt| async move {
        let inner = |_: &str| Expansion::new(|item: String, _| ask(item));
        let outer = Expansion::new(move |items: Vec<String>, _| {
            let list = move |_, _| std::future::ready(Ok(json!(items)));
            Operation::from(Rounds::new(NonZeroU32::MIN, move |_: &RoundContext<'_>| {
                OperationGraph::new()
                    .add_operation("list", Operation::function(list.clone()))
                    .expand_from_result("each", "list", inner(""))
            }))
        });
        let graph = expand(json!([["a", "b"], [], ["c"]]), outer);
        let flow = Flow::new(&rt).sequential().keep_all();
        let report = echo(&rt).start(&flow, &graph).unwrap().await;
        report.assert_completed().unwrap();
        let each = OperationOutput::of(&report, "each").unwrap();
        assert_eq!(each.data, json!([["a", "b"], [], ["c"]]));
        assert_eq!(text(&report, "each/0/each/1"), "b");
    });
}

#[test]
fn a_thousand_items_are_worked_on_while_few_outputs_are_kept() {
    TestRuntime::run(|rt| async move {
        let list: Vec<u32> = (0..1000).collect();
        let each = Expansion::new(|item: u32, _| ask(item.to_string()))
            .with_strategy(ExpandStrategy::ChunkByChunk(chunks(100)));
        let report = echo(&rt)
            .flow_with_cleanup(&expand(json!(list), each), ["each"])
            .await
            .unwrap();
        assert!(report.is_success());
        let each = OperationOutput::of(&report, "each").unwrap();
        assert_eq!(each.data[999], "999");
        assert!(report.step("each/5").unwrap().output.is_none());
    });
}

#[test]
fn the_output_of_an_item_can_be_kept_alone() {
    TestRuntime::run(|rt| async move {
        let graph = expand(
            json!(["x", "y"]),
            Expansion::new(|item: String, _| ask(item)),
        );
        let (session, keep) = (echo(&rt), "each/1");
        let report = session.flow_with_cleanup(&graph, [keep]).await.unwrap();
        let kept = report.all_steps().filter(|step| step.output.is_some());
        assert_eq!(kept.map(|step| &*step.path).collect::<Vec<_>>(), [keep]);
        assert_eq!(report.step(keep).unwrap().json().unwrap()["text"], "y");
        for unknown in ["other/1", "each\\/1", "eac", "/1", "each\\"] {
            let error = session.flow_with_cleanup(&graph, [unknown]).await;
            let error = error.unwrap_err();
            assert!(
                matches!(error, SessionError::UnknownOperation { .. }),
                "{error}"
            );
        }
    });
}

#[test]
fn a_fail_fast_item_ends_the_others() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_failing_rule("bad", 400)
            .with_rule_line("", Line::answer("ok").with_delay(seconds(60)));
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let each = Expansion::new(|item: String, _| {
            ask(item).with_step(|step| step.on_error(OnError::FailFast))
        });
        let report = session
            .flow(&expand(json!(["a", "bad"]), each))
            .await
            .unwrap();
        assert_eq!(report.step("each/0").unwrap().status, Status::Cancelled);
        assert_eq!(report.step("each").unwrap().status, Status::Failed);
        assert_eq!(report.wall, seconds(0));
    });
}

#[test]
fn items_that_are_dropped_leave_nothing() {
    let graph = || {
        let each = Expansion::new(|item: String, _| ask(item).commit());
        expand(
            json!(["a", "b"]),
            each.with_strategy(ExpandStrategy::Sequential),
        )
    };
    drop_after_every_poll(|rt, cut| async move {
        let session = slow(&rt);
        cut.apply(session.flow(&graph())).await;
        assert!(session.default_branch().history().is_empty());
    });
    TestRuntime::run_seeds(16, |rt| async move {
        for quarters in 0..10 {
            let session = slow(&rt);
            let ended = fail_after(&rt, ms(100 + 250 * quarters), session.flow(&graph())).await;
            assert_eq!(ended.is_ok(), quarters >= 8, "{quarters}");
            assert!(session.default_branch().history().is_empty());
        }
    });
}
