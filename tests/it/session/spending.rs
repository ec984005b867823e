//! What a run costs.

use fascine::branch::{Branch, Budget};
use fascine::flow::{Flow, Status};
use fascine::model::{ApiError, Line, ScriptedModel};
use fascine::resilience::{Backoff, Retry};
use fascine::rt::Rt;
use fascine::session::{OperationGraph, Session, Spending};
use fascine_testing::TestRuntime;

use super::ask;
use crate::durations::{ms, seconds};

fn session(rt: &Rt) -> Session {
    let model = ScriptedModel::new(rt)
        .with_delay(seconds(1))
        .with_failing_rule("bad", 500)
        .with_rule("", "ok");
    Session::new(rt, Branch::new(rt, "b", model))
}

fn job() -> OperationGraph {
    OperationGraph::new()
        .chain([("a", ask("1")), ("b", ask("2"))])
        .add_operation("c", ask("bad"))
}

#[test]
fn the_report_tells_what_operations_cost_those_that_failed_too() {
    TestRuntime::run(|rt| async move {
        let report = session(&rt).flow(&job()).await.unwrap();
        let spending = Spending::of(&report);
        assert_eq!(spending.attempts, 3);
        let steps = ["a", "b"].map(|name| report.step(name).unwrap().json().unwrap());
        let tokens = steps
            .iter()
            .map(|json| json["usage"]["prompt_tokens"].as_u64().unwrap());
        assert_eq!(spending.usage.prompt_tokens, tokens.sum::<u64>());
    });
}

#[test]
fn a_budget_counts_what_the_report_no_longer_has() {
    TestRuntime::run(|rt| async move {
        let budget = Budget::new();
        let graph = job().with_budget(budget.clone());
        let session = session(&rt);
        let report = session.flow_with_cleanup(&graph, ["b"]).await.unwrap();
        assert!(report.step("a").unwrap().output.is_none());
        assert!(report.step("b").unwrap().output.is_some());
        assert_eq!(budget.spent().requests, 3);
        // Cut off in the middle: what was on its way counts.
        let flow = Flow::new(&rt).with_timeout(ms(500));
        session.start(&flow, &graph).unwrap().await;
        assert_eq!(budget.spent().requests, 5);
        session
            .default_branch()
            .communicate("by itself")
            .await
            .unwrap();
        assert_eq!(budget.spent().requests, 5);
    });
}

#[test]
fn a_budget_limits_a_run_and_one_of_its_operations() {
    TestRuntime::run(|rt| async move {
        let graph =
            OperationGraph::new().chain([("a", ask("1")), ("b", ask("2")), ("c", ask("3"))]);
        let report = session(&rt)
            .flow(&graph.clone().with_budget(Budget::new().with_requests(2)))
            .await
            .unwrap();
        assert_eq!(report.step("b").unwrap().status, Status::Completed);
        assert_eq!(report.step("c").unwrap().status, Status::Failed);
        assert_eq!(report.step("c").unwrap().attempts, 0);
        let graph = OperationGraph::new()
            .add_operation("free", ask("1"))
            .add_operation("poor", ask("2").with_budget(Budget::new().with_requests(0)));
        let report = session(&rt).flow(&graph).await.unwrap();
        assert_eq!(report.step("free").unwrap().status, Status::Completed);
        assert_eq!(report.step("poor").unwrap().status, Status::Failed);
    });
}

#[test]
fn attempts_of_a_step_that_is_retried_add_up() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_line(Line::api_error(ApiError::new(503, "later")))
            .with_line(Line::api_error(ApiError::new(503, "later")))
            .with_answer("ok");
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let retry = Retry::new(&rt).with_backoff(Backoff::constant(ms(10)));
        let ask = ask("?").with_step(move |step| step.retry(retry.clone()));
        let graph = OperationGraph::new().add_operation("a", ask);
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(report.step("a").unwrap().attempts, 3);
    });
}
