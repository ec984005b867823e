use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::flow::{Flow, FlowReport, Graph, GraphBuilder, Status, StepContext, StepResult};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::json;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_step_runs_a_graph,
    graphs_within_graphs_need_one_place,
    no_more_steps_run_than_there_are_places,
}

/// How many things are there, and how many there were at most.
#[derive(Clone, Default)]
struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    fn enter(&self) -> Entered {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        Entered(self.clone())
    }

    fn peak(&self) -> usize {
        self.0.1.load(SeqCst)
    }

    fn now(&self) -> usize {
        self.0.0.load(SeqCst)
    }
}

struct Entered(Gauge);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
    }
}

/// Steps that do not depend on each other, and take that long.
fn sleepers(rt: &Rt, gauge: &Gauge, count: usize, time: Duration) -> Graph {
    let mut graph = GraphBuilder::new();
    for number in 0..count {
        let (clock, gauge) = (rt.clone(), gauge.clone());
        graph.step(format!("s{number}"), move |_| {
            let (clock, gauge) = (clock.clone(), gauge.clone());
            async move {
                let _entered = gauge.enter();
                clock.sleep(time).await;
                Ok(number)
            }
        });
    }
    graph.build().unwrap()
}

/// A graph of one step, which runs this one.
fn outer(name: &str, inner: &Graph) -> Graph {
    let mut graph = GraphBuilder::new();
    let inner = inner.clone();
    graph.step(name, move |context| run_inner(context, inner.clone()));
    graph.build().unwrap()
}

async fn run_inner(context: StepContext, inner: Graph) -> StepResult<usize> {
    let report = context.run(&inner).await?;
    report.assert_completed()?;
    Ok(report.steps.len())
}

fn at_once(rt: &Rt, places: usize) -> Flow {
    Flow::new(rt).with_max_concurrent(NonZeroUsize::new(places).unwrap())
}

fn statuses(report: &FlowReport) -> Vec<(&str, Status)> {
    let steps = report.all_steps();
    steps.map(|step| (&*step.path, step.status)).collect()
}

async fn a_step_runs_a_graph(rt: Rt, _: Arc<dyn Net>) {
    let inner = sleepers(&rt, &Gauge::default(), 3, ms(1));
    let report = Flow::new(&rt).run(&outer("all", &inner)).await;
    report.assert_completed().unwrap();
    assert_eq!(report.step("all").unwrap().json(), Some(json!(3)));
    let completed = |path| (path, Status::Completed);
    let paths = ["all", "all/s0", "all/s1", "all/s2"];
    assert_eq!(statuses(&report), paths.map(completed));
    assert_eq!(report.step("all/s1").unwrap().name, "s1");
    assert!(report.step("s1").is_none());
}

async fn graphs_within_graphs_need_one_place(rt: Rt, _: Arc<dyn Net>) {
    let gauge = Gauge::default();
    let mut graph = sleepers(&rt, &gauge, 3, ms(1));
    for depth in 0..12 {
        graph = outer(&format!("depth {depth}"), &graph);
    }
    let report = at_once(&rt, 1).run(&graph).await;
    report.assert_completed().unwrap();
    assert_eq!(report.all_steps().count(), 15);
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
}

async fn no_more_steps_run_than_there_are_places(rt: Rt, _: Arc<dyn Net>) {
    for places in 1..5 {
        let gauge = Gauge::default();
        let inner = sleepers(&rt, &gauge, 7, ms(1));
        let mut graph = GraphBuilder::new();
        for number in 0..5 {
            let (inner, gauge, clock) = (inner.clone(), gauge.clone(), rt.clone());
            graph.step(format!("o{number}"), move |context| {
                let (inner, gauge, clock) = (inner.clone(), gauge.clone(), clock.clone());
                async move {
                    let before = gauge.enter();
                    clock.sleep(ms(1)).await;
                    drop(before);
                    let _ = run_inner(context, inner).await?;
                    let _after = gauge.enter();
                    clock.sleep(ms(1)).await;
                    Ok(())
                }
            });
        }
        let report = at_once(&rt, places).run(&graph.build().unwrap()).await;
        report.assert_completed().unwrap();
        assert_eq!((gauge.peak(), gauge.now()), (places, 0));
    }
}

#[test]
fn nested_steps_take_the_places_that_are_free() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = sleepers(&rt, &Gauge::default(), 10, ms(10));
        let graph = outer("all", &inner);
        for (places, wall) in [(1, 100), (2, 50), (3, 40), (5, 20), (10, 10), (50, 10)] {
            let report = at_once(&rt, places).run(&graph).await;
            assert_eq!(report.wall, ms(wall), "{places} places");
        }
        let report = Flow::new(&rt).unlimited().run(&graph).await;
        assert_eq!(report.wall, ms(10));
    });
}

#[test]
fn what_has_begun_is_finished_before_other_steps_begin() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = sleepers(&rt, &Gauge::default(), 2, ms(1));
        let mut graph = GraphBuilder::new();
        for name in ["first", "second"] {
            let inner = inner.clone();
            graph.step(name, move |context| run_inner(context, inner.clone()));
        }
        let report = at_once(&rt, 1).run(&graph.build().unwrap()).await;
        let started = |path: &str| report.step(path).unwrap().started.unwrap();
        assert_eq!(started("first/s1"), ms(1));
        assert_eq!(started("second"), ms(2));
        assert_eq!(report.wall, ms(4));
    });
}

#[test]
fn a_step_of_higher_priority_goes_before_nested_ones() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = sleepers(&rt, &Gauge::default(), 3, ms(2));
        let mut graph = GraphBuilder::new();
        graph.step("all", move |context| run_inner(context, inner.clone()));
        let clock = rt.clone();
        graph.step("early", move |_| {
            let clock = clock.clone();
            async move { Ok(clock.sleep(ms(1)).await) }
        });
        for name in ["urgent", "later"] {
            let step = graph.step(name, |_| async { Ok(()) });
            let _ = step.priority(i32::from(name == "urgent"));
            graph.edge("early", name);
        }
        let report = at_once(&rt, 2).run(&graph.build().unwrap()).await;
        let started = |path: &str| report.step(path).unwrap().started.unwrap();
        // The two places go to `early` and to the first nested step, then the one of `early` to `urgent`.
        assert_eq!(started("urgent"), ms(1));
        assert_eq!(started("all/s1"), ms(1));
        assert_eq!(started("later"), ms(3));
    });
}
