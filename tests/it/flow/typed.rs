//! Edges whose types the compiler checks.

use fascine::flow::{Flow, GraphBuilder, OnError, Status};
use fascine_testing::TestRuntime;

#[test]
fn a_step_takes_what_others_gave_as_it_is() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let words = graph
            .step("words", |_| async {
                Ok(vec!["one".to_owned(), "two".to_owned()])
            })
            .id();
        let count = graph
            .then("count", words, |_, words| async move { Ok(words.len()) })
            .id();
        graph.then(
            "both",
            (count, words),
            |context, (count, words)| async move {
                assert_eq!(context.input(count_of(&context)), None);
                Ok(format!("{count}: {}", words.join(" ")))
            },
        );
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("both").unwrap().json().unwrap(), "2: one two");
        assert!(report.is_success());
    });
}

/// A step of another graph: nothing comes from it here.
fn count_of(_: &fascine::flow::StepContext) -> fascine::flow::StepId<String> {
    let mut other = GraphBuilder::new();
    other.step("first", |_| async { Ok(String::new()) }).id()
}

#[test]
fn eight_steps_can_be_taken_from_and_tuples_nest() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let ids: Vec<_> = (0..16_u64)
            .map(|n| {
                graph
                    .step(n.to_string(), move |_| async move { Ok(n) })
                    .id()
            })
            .collect();
        let eight = |at: usize| {
            let id = |n: usize| ids[at + n];
            (id(0), id(1), id(2), id(3), id(4), id(5), id(6), id(7))
        };
        graph.then("sum", (eight(0), eight(8)), |_, (low, high)| async move {
            let low = [
                &low.0, &low.1, &low.2, &low.3, &low.4, &low.5, &low.6, &low.7,
            ];
            let high = [
                &high.0, &high.1, &high.2, &high.3, &high.4, &high.5, &high.6, &high.7,
            ];
            let sum = low
                .into_iter()
                .chain(high)
                .map(|value| **value)
                .sum::<u64>();
            Ok(sum)
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("sum").unwrap().json().unwrap(), 120);
    });
}

#[test]
fn a_typed_step_does_not_run_without_all_it_takes() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let good = graph.step("good", |_| async { Ok(1) }).id();
        let bad = graph
            .step("bad", |_| async { Err::<i32, _>("no".into()) })
            .on_error(OnError::Continue)
            .id();
        graph.then("sum", (good, bad), |_, (one, two)| async move {
            Ok(*one + *two)
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let sum = report.step("sum").unwrap();
        assert_eq!(sum.status, Status::Skipped);
        let cause = sum.skip_cause.as_ref().unwrap().to_string();
        assert_eq!(cause, "step `bad` did not complete");
    });
}
