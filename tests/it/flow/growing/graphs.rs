use fascine::flow::{Flow, Graph, GraphBuilder, OnError, Output, StepId};
use fascine_testing::TestRuntime;
use serde_json::json;

use crate::flow::growing::{chain, growth_error};

/// A graph of two steps: what the first one gives, the second one takes as its own.
fn two_steps() -> (Graph, StepId<u32>, StepId<u32>) {
    let mut graph = GraphBuilder::new();
    let one = graph.step("one", |_| async { Ok(1) }).id();
    let two = graph
        .then("two", one, |_, one| async move { Ok(*one + 1) })
        .id();
    (graph.build().unwrap(), one, two)
}

#[test]
fn a_graph_gives_what_one_of_its_steps_gives() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (inner, one, two) = two_steps();
        let mut graph = GraphBuilder::new();
        let last = graph.sub_flow("last", &inner, two).id();
        let first = graph.sub_flow("first", &inner, one).id();
        let named = graph.sub_flow::<u32>("named", &inner, "two").id();
        graph.then(
            "all",
            (last, first, named),
            |_, (last, first, named)| async move { Ok([*last, *first, *named]) },
        );
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("all").unwrap().json(), Some(json!([2, 1, 2])));
        assert_eq!(report.all_steps().count(), 10);
    });
}

#[test]
fn graphs_whose_output_cannot_be_are_refused() {
    let (inner, one, _) = two_steps();
    let mut graph = GraphBuilder::new();
    let _ = graph.sub_flow::<u32>("sub", &inner, "three");
    assert_eq!(
        graph.build().unwrap_err().to_string(),
        "there is no step `three` to give the output of `sub`"
    );
    let mut graph = GraphBuilder::new();
    let _ = graph.sub_flow::<String>("sub", &inner, "two");
    assert_eq!(
        graph.build().unwrap_err().to_string(),
        "step `sub` takes `alloc::string::String` from step `two`, which gives `u32`"
    );
    let empty = GraphBuilder::new().build().unwrap();
    let mut graph = GraphBuilder::new();
    let _ = graph.sub_flow("sub", &empty, one);
    assert_eq!(
        graph.build().unwrap_err().to_string(),
        "there is no step `#0` to give the output of `sub`"
    );
}

#[test]
fn a_graph_whose_output_is_not_there_fails() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut inner = GraphBuilder::new();
        let bad = inner
            .step("bad", |_| async { Err::<u32, _>("bad luck".into()) })
            .id();
        let last = inner.then("last", bad, |_, _| async { Ok(1) }).id();
        let rescued = inner.step("rescued", |_| async { Err::<u32, _>("bad luck".into()) });
        let rescued = rescued.on_error(OnError::Fallback(Output::new(5_u32))).id();
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        let _ = graph.sub_flow("skipped", &inner, last);
        let _ = graph.sub_flow("failed", &inner, bad);
        let _ = graph.sub_flow("rescued", &inner, rescued);
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("rescued").unwrap().json(), Some(json!(5)));
        let texts = ["skipped", "failed"].map(|path| chain(&growth_error(&report, path)));
        assert_eq!(
            texts,
            [
                "the graph that step `skipped` runs gave nothing: \
                 step `skipped/last` did not complete: it is skipped, after 0ns",
                "the graph that step `failed` runs gave nothing: \
                 step `failed/bad` did not complete: it is failed, after 0ns: \
                 step `failed/bad` failed at attempt 1: bad luck",
            ]
        );
    });
}
