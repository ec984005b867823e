//! A writer and a reviewer talk until the reviewer is content: three rounds at most.
//!
//! ```sh
//! cargo run -p fascine-session --example writer_reviewer
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::num::NonZeroU32;

use fascine_branch::Branch;
use fascine_model::ScriptedModel;
use fascine_rt::Rt;
use fascine_session::{Operation, OperationGraph, OperationOutput, RoundContext, Rounds, Session};
use fascine_testing::TestRuntime;

fn main() {
    TestRuntime::run(|rt| async move {
        let poem = Rounds::new(NonZeroU32::new(3).unwrap(), write_and_review)
            .until("review", |review| review.text.contains("APPROVED"))
            .giving("draft");
        // Committed, so the writer's branch has the whole conversation in the end.
        let graph = OperationGraph::new().add_operation("poem", Operation::from(poem).commit());
        let session = session(&rt);

        let report = session.flow(&graph).await.unwrap();
        let poem = OperationOutput::of(&report, "poem").unwrap();
        println!("{}", poem.text);
        assert_eq!(poem.text, "Roses are red.");
        let said = session.default_branch().history();
        let said: Vec<_> = said.iter().map(|message| message.text()).collect();
        assert_eq!(
            said,
            [
                "Write a poem.",
                "The stock fell.",
                "Write it again. The reviewer says: Too sad.",
                "Roses are red."
            ]
        );
    });
}

/// What the writer says is kept from round to round; the reviewer sees each draft alone.
fn write_and_review(round: &RoundContext<'_>) -> OperationGraph {
    let write = match round.output("review") {
        None => "Write a poem.".to_owned(),
        Some(review) => format!("Write it again. The reviewer says: {}", review.text),
    };
    let review = Operation::communicate("Review this poem.").on_branch("reviewer");
    OperationGraph::new().chain([
        ("draft", Operation::communicate(write).commit()),
        ("review", review.with_answers()),
    ])
}

fn session(rt: &Rt) -> Session {
    let writer = ScriptedModel::new(rt)
        .with_rule("Too sad", "Roses are red.")
        .with_rule("Write a poem", "The stock fell.");
    let reviewer = ScriptedModel::new(rt)
        .with_rule("The stock fell", "Too sad.")
        .with_rule("Roses", "APPROVED");
    Session::new(rt, Branch::new(rt, "writer", writer))
        .with_branch(Branch::new(rt, "reviewer", reviewer))
        .unwrap()
}

#[test]
fn it_does_what_it_says() {
    main();
}
