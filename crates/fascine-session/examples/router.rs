//! A question goes to the one who knows: one of several, by what the model makes of it.
//!
//! ```sh
//! cargo run -p fascine-session --example router
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use fascine_branch::Branch;
use fascine_flow::Status;
use fascine_model::ScriptedModel;
use fascine_rt::Rt;
use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Category {
    Billing,
    Technical,
    Other,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Ticket {
    category: Category,
    /// From 0 to 1.
    confidence: f64,
}

fn main() {
    TestRuntime::run(|rt| async move {
        assert_eq!(
            route(&rt, "I was charged twice", "billing", 0.9).await,
            "billing"
        );
        assert_eq!(
            route(&rt, "The page is blank", "technical", 0.8).await,
            "technical"
        );
        assert_eq!(route(&rt, "Where are you?", "other", 0.9).await, "person");
        // Who is not sure asks a person.
        assert_eq!(
            route(&rt, "It costs me nerves", "billing", 0.3).await,
            "person"
        );
    });
}

/// Gives the name of the operation that answered.
async fn route(rt: &Rt, question: &str, category: &str, confidence: f64) -> String {
    let ticket = format!(r#"{{"category": "{category}", "confidence": {confidence}}}"#);
    let model = ScriptedModel::new(rt)
        .with_rule("What is it about?", ticket)
        .with_rule("", "I will see to it.");
    let session = Session::new(rt, Branch::new(rt, "desk", model));
    let is = |wanted: Category| {
        move |output: &OperationOutput| {
            let ticket = output.value::<Ticket>();
            ticket.is_ok_and(|ticket| ticket.category == wanted && ticket.confidence > 0.5)
        }
    };
    let classify = Operation::operate::<Ticket>(format!("What is it about? {question}"));
    // The question is known from the conversation that goes on.
    let answer = |role: &'static str| {
        let answer = Operation::communicate("Answer it.").inherit_context();
        answer.with_fork(move |fork| fork.system(role))
    };
    let graph = OperationGraph::new()
        .add_operation("classify", classify)
        .add_operation(
            "billing",
            answer("You know the bills.").depends_on_when("classify", is(Category::Billing)),
        )
        .add_operation(
            "technical",
            answer("You know the product.").depends_on_when("classify", is(Category::Technical)),
        )
        .add_operation(
            "person",
            answer("You write to a colleague.").depends_on_otherwise("classify"),
        );

    let report = session.flow(&graph).await.unwrap();
    assert!(report.is_success(), "what was not taken is no failure");
    let mut answered = report.with_status(Status::Completed).skip(1);
    let name = answered.next().unwrap().name.to_string();
    assert!(answered.next().is_none(), "it went two ways");
    println!("{question} -> {name}");
    name
}

#[test]
fn it_does_what_it_says() {
    main();
}
