//! A supervisor makes a plan, gives its tasks out, and looks at what came of them: three times at most.
//!
//! ```sh
//! cargo run -p fascine-session --example supervisor
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::num::NonZeroU32;

use fascine_branch::{Branch, Budget};
use fascine_model::ScriptedModel;
use fascine_rt::Rt;
use fascine_session::{
    Expansion, Operation, OperationGraph, OperationOutput, RoundContext, Rounds, Session,
};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema, Serialize)]
struct Review {
    is_done: bool,
    missing: String,
}

fn main() {
    TestRuntime::run(|rt| async move {
        let budget = Budget::new().with_requests(20);
        let supervisor = Rounds::new(NonZeroU32::new(3).unwrap(), plan_work_review)
            .until("review", |review| review.data["is_done"] == true)
            .giving("work")
            .or_last();
        let graph = OperationGraph::new()
            .add_operation("supervisor", supervisor)
            .with_budget(budget.clone());

        let report = session(&rt).flow(&graph).await.unwrap();
        let work = OperationOutput::of(&report, "supervisor").unwrap();
        println!("{} after {} requests", work.data, budget.spent().requests);
        assert_eq!(
            work.value::<Vec<String>>().unwrap(),
            ["The roof is on.", "It is painted."]
        );
        assert_eq!(budget.spent().requests, 8);
        assert!(report.step("supervisor[1]/work/1").is_some());
    });
}

/// A round: the plan knows what was missing before, and each of its tasks has a worker.
fn plan_work_review(round: &RoundContext<'_>) -> OperationGraph {
    let plan = match round
        .output("review")
        .and_then(|review| review.value::<Review>().ok())
    {
        None => "Plan the house.".to_owned(),
        Some(review) => format!("Plan what is missing: {}", review.missing),
    };
    let work = Expansion::new(|task: String, _| Operation::communicate(task).on_branch("worker"));
    OperationGraph::new()
        .add_operation("plan", Operation::operate::<Vec<String>>(plan))
        .expand_from_result("work", "plan", work)
        .add_aggregation(
            "review",
            ["work"],
            Operation::operate::<Review>("Review the work."),
        )
}

fn session(rt: &Rt) -> Session {
    let supervisor = ScriptedModel::new(rt)
        .with_rule("Plan the house", r#"["Put up walls", "Make a door"]"#)
        .with_rule(
            "Plan what is missing: the roof",
            r#"["Make a roof", "Paint it"]"#,
        )
        .with_rule("The roof is on.", r#"{"is_done": true, "missing": ""}"#)
        .with_rule("Review", r#"{"is_done": false, "missing": "the roof"}"#);
    let worker = ScriptedModel::new(rt)
        .with_rule("roof", "The roof is on.")
        .with_rule("Paint", "It is painted.")
        .with_rule("", "Done.");
    Session::new(rt, Branch::new(rt, "supervisor", supervisor))
        .with_branch(Branch::new(rt, "worker", worker))
        .unwrap()
}

#[test]
fn it_does_what_it_says() {
    main();
}
