//! Whole runs: small ones under loom, which tries every interleaving, and larger ones under shuttle, which tries many.

mod host;
#[cfg(all(shuttle, not(loom)))]
mod nested;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine_rt::Rt;
use futures_lite::future::{poll_once, yield_now};

use crate::{Flow, FlowReport, FlowRun, Graph, GraphBuilder, OnError, Status, StepHandle};
use host::{Host, block_on, check, spawn};

/// How many steps run, and how many have begun.
#[derive(Clone, Default)]
struct Counts {
    running: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
}

/// A step counts itself while it lives.
struct Running(Counts);

impl Counts {
    fn begin(&self, at_most: usize) -> Running {
        let running = self.running.fetch_add(1, SeqCst) + 1;
        assert!(running <= at_most, "{running} steps at once");
        self.begun.fetch_add(1, SeqCst);
        Running(self.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

/// Steps that have to wait, but for the odd ones, with these edges between them.
fn graph(steps: usize, edges: &[(u32, u32)], counts: &Counts) -> Graph {
    let mut graph = GraphBuilder::new();
    for number in 0..steps {
        let counts = counts.clone();
        graph.step(number.to_string(), move |_| {
            let counts = counts.clone();
            async move {
                let _running = counts.begin(PLACES);
                if number % 2 == 0 {
                    yield_now().await;
                }
                Ok(number)
            }
        });
    }
    for (from, to) in edges {
        graph.edge(from.to_string(), to.to_string());
    }
    graph.build().expect("it has no mistakes")
}

fn start(graph: &Graph) -> FlowRun {
    let places = NonZeroUsize::new(PLACES).expect("some");
    let flow = Flow::new(&Rt::new(Host)).with_max_concurrent(places);
    flow.start(graph)
}

fn handles(run: &mut FlowRun, graph: &Graph) -> Vec<StepHandle> {
    let names = graph.step_names();
    names.filter_map(|name| run.handle(name)).collect()
}

fn assert_ended(report: &FlowReport) {
    for step in &report.steps {
        assert!(step.status.is_final(), "{step:?}");
    }
}

#[test]
fn every_step_is_run_once_and_no_more_at_once_than_may() {
    check(|| {
        let counts = Counts::default();
        // One more than below: so one has to follow another.
        let graph = graph(STEPS + 1, &[EDGES, &[(0, STEPS as u32)]].concat(), &counts);
        let report = block_on(start(&graph));
        assert!(report.is_success(), "{report:?}");
        assert_eq!(counts.begun.load(SeqCst), STEPS + 1);
        assert_eq!(counts.running.load(SeqCst), 0);
    });
}

#[test]
fn a_cancel_from_elsewhere_ends_the_run_and_every_handle() {
    check(|| {
        let counts = Counts::default();
        let graph = graph(STEPS, EDGES, &counts);
        let mut run = start(&graph);
        let (canceller, handles) = (run.canceller(), handles(&mut run, &graph));
        let elsewhere = spawn(move || canceller.cancel());
        let report = block_on(run);
        assert_ended(&report);
        let count = |status| report.with_status(status).count();
        let begun = count(Status::Completed) + count(Status::Cancelled);
        assert_eq!(counts.running.load(SeqCst), 0, "a step outlived its run");
        assert!(counts.begun.load(SeqCst) <= begun);
        for (handle, step) in handles.into_iter().zip(&report.steps) {
            assert_eq!(block_on(handle).status, step.status);
        }
        elsewhere.join().expect("it does not panic");
    });
}

#[test]
fn a_failure_that_ends_the_run_ends_it_whatever_else_ends() {
    check(|| {
        let mut graph = GraphBuilder::new();
        let fatal = graph.step("fatal", |_| async {
            yield_now().await;
            Err::<(), _>("told to".into())
        });
        fatal.on_error(OnError::FailFast);
        graph.step("other", |_| async {
            yield_now().await;
            Ok(())
        });
        graph.step("behind", |_| async { Ok(()) });
        graph.edge("other", "behind");
        let graph = graph.build().expect("it has no mistakes");
        let report = block_on(start(&graph));
        assert_ended(&report);
        let failed = report.with_status(Status::Failed).map(|step| &*step.name);
        assert!(failed.eq(["fatal"]), "{report:?}");
    });
}

#[test]
fn handles_and_events_of_a_run_that_is_dropped_come_to_an_end() {
    check(|| {
        let counts = Counts::default();
        let graph = graph(STEPS, EDGES, &counts);
        let mut run = start(&graph);
        let (mut events, handles) = (run.events(), handles(&mut run, &graph));
        let waiting = spawn(move || {
            for handle in handles {
                assert!(block_on(handle).status.is_final());
            }
        });
        assert!(block_on(poll_once(&mut run)).is_none_or(|report| report.is_success()));
        drop(run);
        waiting.join().expect("all handles come to an end");
        while let Some(event) = block_on(events.next()) {
            assert!(event.at < Duration::from_secs(3600));
        }
    });
}

#[test]
fn a_reader_elsewhere_hears_of_every_step() {
    check(|| {
        let graph = graph(STEPS, EDGES, &Counts::default());
        let mut run = start(&graph);
        let mut events = run.events();
        let reader = spawn(move || {
            block_on(async {
                let mut ended = 0;
                while let Some(event) = events.next().await {
                    ended += usize::from(event.status == Status::Completed);
                }
                assert_eq!(ended, STEPS);
            });
        });
        assert!(block_on(run).is_success());
        reader.join().expect("it hears of the end");
    });
}

const PLACES: usize = 2;
#[cfg(loom)]
const STEPS: usize = 2;
#[cfg(loom)]
const EDGES: &[(u32, u32)] = &[];
#[cfg(not(loom))]
const STEPS: usize = 6;
#[cfg(not(loom))]
const EDGES: &[(u32, u32)] = &[(0, 2), (1, 2), (0, 3), (2, 4), (3, 4)];
