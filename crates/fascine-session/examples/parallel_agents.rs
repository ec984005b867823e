//! Three agents look at the same thing at once, and a fourth one brings together what they say.
//!
//! ```sh
//! cargo run -p fascine-session --example parallel_agents
//! ```
//!
//! It runs on virtual time with scripted models. In a program there stands a `ModelService` where a model is scripted.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::time::Duration;

use fascine_branch::Branch;
use fascine_model::ScriptedModel;
use fascine_rt::Rt;
use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
use fascine_testing::TestRuntime;

fn main() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, agent(&rt, "editor", "Ship it on Monday."))
            .with_branch(agent(&rt, "lawyer", "The licence is fine."))
            .and_then(|session| session.with_branch(agent(&rt, "tester", "All tests pass.")))
            .and_then(|session| session.with_branch(agent(&rt, "writer", "The manual is done.")))
            .unwrap();
        let experts = ["lawyer", "tester", "writer"];
        let mut graph = OperationGraph::new();
        for expert in experts {
            let look = Operation::communicate("May we ship?").on_branch(expert);
            graph = graph.add_operation(expert, look);
        }
        let graph = graph.add_aggregation("verdict", experts, Operation::communicate("Decide."));

        let report = session.flow(&graph).await.unwrap();
        let verdict = OperationOutput::of(&report, "verdict").unwrap();
        println!("{} (after {:?})", verdict.text, report.wall);
        assert_eq!(verdict.text, "Ship it on Monday.");
        assert_eq!(report.wall, 2 * SECOND, "the experts wait for each other");
        for (_, branch) in session.branches() {
            assert!(branch.history().is_empty(), "something is left over");
        }
    });
}

/// An agent that takes a second for its answer.
fn agent(rt: &Rt, name: &str, answer: &str) -> Branch {
    let model = ScriptedModel::new(rt)
        .with_delay(SECOND)
        .with_rule("", answer);
    let role = format!("You are a {name}.");
    Branch::builder(rt, name, model).system(role).build()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_does_what_it_says() {
    main();
}
