use std::error::Error;
use std::sync::Arc;

use fascine::branch::{
    Branch, BranchError, Budget, BudgetError, CallOptions, Communicate, ToolSet, tool,
};
use fascine::concurrency::join_all;
use fascine::http::Net;
use fascine::message::{Message, ToolCall, Usage};
use fascine::model::{Line, Price, PriceTable, Request, Response, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::seconds;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    forks_that_share_a_budget_spend_it_together_and_no_more,
}

/// A model whose answers cost so many tokens, after a second.
fn model(rt: &Rt, usage: Usage) -> ScriptedModel {
    let mut response = Response::new(Message::assistant("a"));
    response.usage = usage;
    response.model = "small-2026-01-01".into();
    let model = ScriptedModel::new(rt)
        .with_name("small")
        .with_delay(seconds(1));
    model.with_rule_line("", Line::response(response))
}

fn budgeted(rt: &Rt, model: &ScriptedModel, budget: &Budget) -> Branch {
    let branch = Branch::builder(rt, "b", model.clone());
    branch.budget(budget.clone()).build()
}

/// Why the budget refused.
fn refused(error: BranchError) -> BudgetError {
    assert_eq!((error.attempts(), error.is_retryable()), (0, false));
    match error {
        BranchError::Budget { source, .. } => source,
        error => panic!("{error:?}"),
    }
}

async fn forks_that_share_a_budget_spend_it_together_and_no_more(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt).with_rule("", "a");
    let budget = Budget::new().with_requests(3);
    let branch = budgeted(&rt, &model, &budget);
    let forks: Vec<_> = (0..10).map(|n| branch.fork(n.to_string())).collect();
    let asked = join_all(forks.iter().map(|fork| fork.communicate("x"))).await;
    assert_eq!(asked.iter().filter(|asked| asked.is_ok()).count(), 3);
    for error in asked.into_iter().filter_map(Result::err) {
        assert_eq!(refused(error), BudgetError::Requests { max: 3 });
    }
    assert_eq!((model.requests().len(), budget.spent().requests), (3, 3));
}

#[test]
fn tokens_are_those_that_the_provider_counted() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt, Usage::new(30, 20));
        let budget = Budget::new().with_tokens(120);
        let branch = budgeted(&rt, &model, &budget);
        for spent in [50, 100] {
            branch.communicate("x").await.unwrap();
            assert_eq!(budget.spent().tokens, spent);
        }
        let error = branch.communicate("x".repeat(100)).await.unwrap_err();
        let BudgetError::Tokens {
            max: 120,
            spent: 100,
            wanted,
        } = refused(error)
        else {
            panic!("another limit")
        };
        assert!(wanted > 20, "the estimate of what would be sent: {wanted}");
        assert_eq!((branch.history().len(), budget.spent().tokens), (4, 100));
    });
}

#[test]
fn the_longest_answer_counts_before_the_request() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt, Usage::new(1, 1));
        let branch = budgeted(&rt, &model, &Budget::new().with_tokens(1000));
        let longest =
            |max| CallOptions::default().with_request(Request::default().with_max_tokens(max));
        let ask = |max| branch.communicate(Communicate::new("x").with_call(longest(max)));
        assert!(matches!(
            refused(ask(1000).await.unwrap_err()),
            BudgetError::Tokens { .. }
        ));
        ask(500).await.unwrap();
    });
}

#[test]
fn money_is_reserved_and_settled_by_the_price_of_the_family() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt, Usage::new(1_000_000, 0));
        let prices = PriceTable::new().with("small", Price::new(2.0, 8.0));
        let budget = Budget::new().with_cost(4.0, prices).unwrap();
        let branch = budgeted(&rt, &model, &budget);
        branch.communicate("x").await.unwrap();
        assert!((budget.spent().cost - 2.0).abs() < 1e-9);
        branch.communicate("x").await.unwrap();
        let error = branch.communicate("x").await.unwrap_err();
        assert!(matches!(refused(error), BudgetError::Cost { .. }));
        let unknown = ScriptedModel::new(&rt)
            .with_name("large")
            .with_rule("", "a");
        let fork = branch.fork_builder("f").model(unknown).build();
        let error = fork.communicate("x").await.unwrap_err();
        let texts = [error.to_string(), error.source().unwrap().to_string()];
        assert_eq!(
            texts,
            [
                "branch `f` must not spend more",
                "the price of model `large` is not known"
            ]
        );
    });
}

#[test]
fn an_amount_that_is_none_is_refused_when_the_budget_is_made() {
    for max in [f64::NAN, -1.0] {
        let error = Budget::new().with_cost(max, PriceTable::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the cost of a budget cannot be")
        );
    }
}

#[test]
fn a_fork_with_a_budget_of_its_own_still_spends_from_its_parents() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let budget = Budget::new().with_requests(3);
        let branch = budgeted(&rt, &model, &budget);
        let own = Budget::new().with_requests(2);
        let fork = branch.fork_builder("f").budget(own.clone()).build();
        fork.communicate("x").await.unwrap();
        fork.communicate("x").await.unwrap();
        assert_eq!(
            refused(fork.communicate("x").await.unwrap_err()),
            BudgetError::Requests { max: 2 }
        );
        assert_eq!((budget.spent().requests, own.spent().requests), (2, 2));
        let generous = branch
            .fork_builder("g")
            .budget(Budget::new().with_requests(99))
            .build();
        generous.communicate("x").await.unwrap();
        assert_eq!(
            refused(generous.communicate("x").await.unwrap_err()),
            BudgetError::Requests { max: 3 }
        );
    });
}

#[test]
fn a_call_that_failed_counts_its_requests_and_nothing_else() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_failure(500, "down")
            .with_answer("a");
        let budget = Budget::new().with_requests(2).with_tokens(10_000);
        let branch = budgeted(&rt, &model, &budget);
        branch.communicate("x").await.unwrap_err();
        assert_eq!((budget.spent().requests, budget.spent().tokens), (1, 0));
        branch.communicate("x").await.unwrap();
        assert_eq!(budget.spent().requests, 2);
    });
}

#[test]
fn a_turn_that_is_dropped_never_costs_more_than_it_may() {
    drop_after_every_poll(|rt, cut| async move {
        let model = model(&rt, Usage::new(3, 2));
        let budget = Budget::new().with_requests(2).with_tokens(1000);
        let branch = budgeted(&rt, &model, &budget);
        let ended = cut.apply(branch.communicate("x")).await.is_some();
        let sent = model.requests().len() as u64;
        assert!(budget.spent().requests >= sent, "what is on its way counts");
        if ended {
            assert_eq!((budget.spent().requests, budget.spent().tokens), (1, 5));
        }
        branch.communicate("y").await.unwrap();
        assert!(budget.spent().requests <= 2);
    });
}

#[test]
fn a_turn_of_several_requests_is_held_to_its_budget_and_says_what_it_made() {
    TestRuntime::run(|rt| async move {
        let now = tool(|(): ()| async { "noon" }).named("now");
        let again = || Line::tool_calls([ToolCall::new("1", "now", "{}")]);
        let model = ScriptedModel::new(&rt)
            .with_line(again())
            .with_line(again())
            .with_answer("a");
        let budget = Budget::new().with_requests(2);
        let branch = Branch::builder(&rt, "b", model.clone()).tools(ToolSet::new().with(now));
        let branch = branch.budget(budget.clone()).build();
        let error = branch.communicate("When?").await.unwrap_err();
        assert!(matches!(error, BranchError::Budget { .. }), "{error:?}");
        assert_eq!((error.attempts(), model.requests().len()), (2, 2));
        assert!(branch.history().is_empty());
        assert_eq!(budget.spent().requests, 2);
    });
}

#[test]
fn what_is_streamed_is_settled_with_its_usage() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt, Usage::new(30, 20));
        let budget = Budget::new().with_tokens(120);
        let branch = budgeted(&rt, &model, &budget);
        branch.stream("x").reply().await.unwrap();
        assert_eq!((budget.spent().requests, budget.spent().tokens), (1, 50));
    });
}
