//! Runs within runs: too large for all interleavings.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::SeqCst;

use fascine_rt::Rt;
use futures_lite::future::{poll_once, yield_now, zip};

use super::host::{Host, block_on, check, spawn};
use super::{Counts, assert_ended};
use crate::{Flow, FlowRun, Graph, GraphBuilder, OnError, Status, StepContext, StepResult};

/// What a step does with the graph that it is to run.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It gives up on it, and runs another.
    Again,
    Once,
    /// Two at once.
    Twice,
}

/// Three leaves, the last behind the others. All use one resource, or none.
fn leaves(counts: &Counts, at_most: usize, resource: bool) -> Graph {
    let mut graph = GraphBuilder::new();
    graph.resource("disk", NonZeroUsize::MIN);
    for number in 0..3 {
        let counts = counts.clone();
        let leaf = graph.step(number.to_string(), move |_| {
            let counts = counts.clone();
            async move {
                let _running = counts.begin(at_most);
                if number != 1 {
                    yield_now().await;
                }
                Ok(())
            }
        });
        if resource {
            leaf.resource("disk");
        }
    }
    graph.edge("0", "2");
    graph.edge("1", "2");
    graph.build().expect("it has no mistakes")
}

/// Three steps that run leaves, the last behind the others.
fn outer(leaves: &Graph, ways: [Way; 3], resource: bool) -> Graph {
    let mut graph = GraphBuilder::new();
    graph.resource("disk", NonZeroUsize::MIN);
    for (number, way) in ways.into_iter().enumerate() {
        let leaves = leaves.clone();
        let step = graph.step(number.to_string(), move |context| {
            let leaves = leaves.clone();
            async move { run_leaves(&context, &leaves, way).await }
        });
        if resource {
            step.resource("disk");
        }
    }
    graph.edge("0", "2");
    graph.build().expect("it has no mistakes")
}

async fn run_leaves(context: &StepContext, leaves: &Graph, way: Way) -> StepResult<()> {
    match way {
        Way::Again => {
            if let Some(report) = poll_once(context.run(leaves)).await {
                report?;
            }
            yield_now().await;
            context.run(leaves).await?.assert_completed()?;
        }
        Way::Once => {
            context.run(leaves).await?.assert_completed()?;
        }
        Way::Twice => {
            let (one, two) = zip(context.run(leaves), context.run(leaves)).await;
            one?.assert_completed()?;
            two?.assert_completed()?;
        }
    }
    Ok(())
}

fn start(graph: &Graph, places: usize) -> FlowRun {
    let places = NonZeroUsize::new(places).expect("some");
    let flow = Flow::new(&Rt::new(Host)).with_max_concurrent(places);
    flow.start(graph)
}

#[test]
fn with_any_number_of_places_all_come_to_their_end() {
    for places in 1..4 {
        check(move || {
            let counts = Counts::default();
            let leaves = leaves(&counts, places, false);
            let graph = outer(&leaves, [Way::Once, Way::Twice, Way::Once], false);
            let report = block_on(start(&graph, places));
            assert!(report.is_success(), "{report:?}");
            assert_eq!(counts.begun.load(SeqCst), 12);
            assert_eq!(counts.running.load(SeqCst), 0);
        });
    }
}

#[test]
fn a_resource_that_all_levels_use_is_passed_on() {
    for places in 1..4 {
        check(move || {
            let counts = Counts::default();
            let leaves = leaves(&counts, 1, true);
            let graph = outer(&leaves, [Way::Twice, Way::Once, Way::Once], true);
            let report = block_on(start(&graph, places));
            assert!(report.is_success(), "{report:?}");
            assert_eq!(counts.begun.load(SeqCst), 12);
        });
    }
}

#[test]
fn a_step_that_gives_up_on_a_graph_goes_on() {
    for places in 1..4 {
        check(move || {
            let counts = Counts::default();
            // The leaves that were given up may not be gone yet.
            let leaves = leaves(&counts, usize::MAX, places % 2 == 0);
            let ways = [Way::Again, Way::Once, Way::Again];
            let report = block_on(start(&outer(&leaves, ways, true), places));
            assert!(report.is_success(), "{report:?}");
            assert_eq!(counts.running.load(SeqCst), 0);
        });
    }
}

#[test]
fn a_cancel_ends_all_levels() {
    check(|| {
        let counts = Counts::default();
        let leaves = leaves(&counts, 2, true);
        let graph = outer(&leaves, [Way::Twice, Way::Again, Way::Once], false);
        let run = start(&graph, 2);
        let canceller = run.canceller();
        let elsewhere = spawn(move || canceller.cancel());
        assert_ended(&block_on(run));
        assert_eq!(counts.running.load(SeqCst), 0, "a leaf outlived the run");
        elsewhere.join().expect("it does not panic");
    });
}

#[test]
fn a_dropped_run_leaves_no_leaf_behind() {
    check(|| {
        let counts = Counts::default();
        let leaves = leaves(&counts, 2, false);
        let graph = outer(&leaves, [Way::Twice, Way::Again, Way::Once], true);
        let mut run = start(&graph, 2);
        let mut events = run.events();
        let reader = spawn(move || {
            block_on(async { while events.next().await.is_some() {} });
        });
        block_on(async move {
            poll_once(&mut run).await;
            yield_now().await;
            poll_once(&mut run).await;
        });
        reader.join().expect("it hears of the end");
    });
}

#[test]
fn a_leaf_that_ends_its_run_is_an_error_of_the_step_alone() {
    check(|| {
        let mut leaves = GraphBuilder::new();
        let fatal = leaves.step("fatal", |_| async {
            yield_now().await;
            Err::<(), _>("told to".into())
        });
        fatal.on_error(OnError::FailFast);
        leaves.step("other", |_| async {
            yield_now().await;
            Ok(())
        });
        let leaves = leaves.build().expect("it has no mistakes");
        let graph = outer(&leaves, [Way::Once; 3], false);
        let report = block_on(start(&graph, 2));
        let status = |name: &str| report.step(name).map(|step| step.status);
        assert_eq!(status("0"), Some(Status::Failed));
        assert_eq!(status("1"), Some(Status::Failed));
        assert_eq!(status("2"), Some(Status::Skipped));
        assert_ended(&report);
    });
}
