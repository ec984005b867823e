//! Operations that are done again until they are good enough.

use std::error::Error;
use std::num::NonZeroU32;

use fascine::branch::Branch;
use fascine::concurrency::fail_after;
use fascine::flow::Flow;
use fascine::session::{Operation, OperationGraph, RoundContext, Rounds};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::{ask, echo, slow, text};
use crate::durations::ms;

fn three() -> NonZeroU32 {
    NonZeroU32::new(3).unwrap()
}

/// A writer, and a reviewer who likes the draft with this number.
fn writing(liked: u32) -> Rounds {
    let round = move |round: &RoundContext<'_>| {
        let write = match round.output("review") {
            None => "first draft".to_owned(),
            Some(review) => format!("draft after: {}", review.text),
        };
        let review = match round.number() == liked {
            true => "good".to_owned(),
            false => format!("no {}", round.number()),
        };
        OperationGraph::new().chain([("draft", ask(write)), ("review", ask(review))])
    };
    Rounds::new(three(), round).until("review", |review| review.text == "good")
}

#[test]
fn rounds_are_done_until_one_is_good_enough() {
    TestRuntime::run(|rt| async move {
        for flow in [
            Flow::new(&rt),
            Flow::new(&rt).keep_all(),
            Flow::new(&rt).sequential(),
        ] {
            let graph = OperationGraph::new().add_operation("poem", writing(2).giving("draft"));
            let report = echo(&rt).start(&flow, &graph).unwrap().await;
            report.assert_completed().unwrap();
            assert_eq!(text(&report, "poem"), "draft after: no 1");
            assert!(report.step("poem[1]/review").is_some());
            assert!(report.step("poem[2]/review").is_none());
        }
    });
}

#[test]
fn after_the_last_round_there_is_an_error_or_the_last_as_you_say() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .add_operation("strict", writing(9))
            .add_operation("lenient", writing(9).or_last());
        let report = echo(&rt).flow(&graph).await.unwrap();
        let error = report.step("strict").unwrap().error.clone().unwrap();
        assert_eq!(
            error.source().unwrap().to_string(),
            "no round of 3 was good enough"
        );
        assert_eq!(text(&report, "lenient"), "no 3");
    });
}

#[test]
fn rounds_without_an_end_are_done_as_often_as_they_may() {
    TestRuntime::run(|rt| async move {
        let round = |round: &RoundContext<'_>| {
            let before = round.output("count").map_or(0, |output| output.text.len());
            let given = round.given().map_or(0, |given| given.text.len());
            OperationGraph::new().add_operation("count", ask("x".repeat(before + given)))
        };
        let graph = OperationGraph::new()
            .add_operation("start", ask("ab"))
            .add_operation(
                "count",
                Operation::from(Rounds::new(three(), round)).depends_on("start"),
            );
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "count"), "xxxxxx");
    });
}

#[test]
fn what_a_round_commits_the_next_one_knows_and_the_session_does_not() {
    TestRuntime::run(|rt| async move {
        let round = |_: &RoundContext<'_>| {
            let known = |branch: Branch, _| async move {
                branch.communicate("?").await?;
                Ok(branch.history().len().to_string())
            };
            OperationGraph::new().add_operation("turn", Operation::function(known).commit())
        };
        let graph = OperationGraph::new().add_operation("talk", Rounds::new(three(), round));
        let session = echo(&rt);
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(text(&report, "talk"), "6");
        assert!(session.default_branch().history().is_empty());
    });
}

#[test]
fn a_round_that_fails_or_lacks_its_output_fails_the_repetition() {
    TestRuntime::run(|rt| async move {
        let fails = Rounds::new(three(), |_| {
            OperationGraph::new().add_operation("a", ask("bad"))
        });
        let lacks = Rounds::new(three(), |_| {
            OperationGraph::new().add_operation("a", ask("ok"))
        });
        let graph = OperationGraph::new()
            .add_operation("fails", fails)
            .add_operation("lacks", lacks.clone().giving("b"))
            .add_operation("never", lacks.until("b", |_| true))
            .add_operation("empty", Rounds::new(three(), |_| OperationGraph::new()));
        let report = slow(&rt).flow(&graph).await.unwrap();
        let cause = |name| {
            let error = report.step(name).unwrap().error.clone().unwrap();
            error.source().unwrap().to_string()
        };
        assert!(
            cause("fails").contains("a` did not complete"),
            "{}",
            cause("fails")
        );
        assert_eq!(cause("lacks"), "round 3 has no operation `b`");
        assert_eq!(cause("never"), "round 1 has no operation `b`");
        assert_eq!(cause("empty"), "operation `` of round 3 gave nothing");
        assert!(
            report.step("fails[1]/a").is_none(),
            "it went on after a failure"
        );
    });
}

#[test]
fn rounds_that_are_dropped_leave_nothing() {
    let graph = || {
        let round =
            |_: &RoundContext<'_>| OperationGraph::new().add_operation("turn", ask("?").commit());
        OperationGraph::new().add_operation("talk", Rounds::new(three(), round))
    };
    drop_after_every_poll(|rt, cut| async move {
        let session = slow(&rt);
        cut.apply(session.flow(&graph())).await;
        assert!(session.default_branch().history().is_empty());
    });
    TestRuntime::run_seeds(16, |rt| async move {
        for quarters in 0..14 {
            let session = slow(&rt);
            let ended = fail_after(&rt, ms(100 + 250 * quarters), session.flow(&graph())).await;
            assert_eq!(ended.is_ok(), quarters >= 12, "{quarters}");
            assert!(session.default_branch().history().is_empty());
        }
    });
}

#[test]
fn a_round_without_the_operation_that_is_asked_for_costs_nothing() {
    TestRuntime::run(|rt| async move {
        for rounds in [
            writing(9).until("reviw", |_| true),
            writing(9).giving("draf"),
        ] {
            let graph = OperationGraph::new().add_operation("poem", rounds);
            let report = echo(&rt).flow(&graph).await.unwrap();
            let error = report.step("poem").unwrap().error.clone().unwrap();
            let source = error.source().unwrap().to_string();
            assert!(source.starts_with("round 1 has no operation `"), "{source}");
            assert_eq!(report.all_steps().count(), 1, "nothing was run");
        }
    });
}
