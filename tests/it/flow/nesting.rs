//! Runs within a run: places, paths, reports.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::flow::{Flow, FlowReport, Graph, GraphBuilder, Status, StepContext, StepResult};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;
use serde_json::json;

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_step_runs_a_graph,
    graphs_within_graphs_need_one_place,
    no_more_steps_run_than_there_are_places,
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
pub(crate) fn outer(name: &str, inner: &Graph) -> Graph {
    let mut graph = GraphBuilder::new();
    let inner = inner.clone();
    graph.step(name, move |context| run_inner(context, inner.clone()));
    graph.build().unwrap()
}

pub(crate) async fn run_inner(context: StepContext, inner: Graph) -> StepResult<usize> {
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
            async move {
                clock.sleep(ms(1)).await;
                Ok(())
            }
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

#[test]
fn names_with_marks_of_paths_are_told_apart() {
    TestRuntime::run_seeds(4, |rt| async move {
        let inner = sleepers(&rt, &Gauge::default(), 1, ms(1));
        let mut graph = GraphBuilder::new();
        for name in ["a", "a/s0", "a[1]", "a\\", "a[1]/s0"] {
            let inner = inner.clone();
            graph.step(name, move |context| {
                let runs = [context.run(&inner), context.run(&inner)];
                async move {
                    for run in runs {
                        run.await?.assert_completed()?;
                    }
                    Ok(())
                }
            });
        }
        let mut run = Flow::new(&rt).start(&graph.build().unwrap());
        let mut events = run.events();
        let report = run.await;
        let mut told = BTreeSet::new();
        while let Some(event) = events.next().await {
            told.insert(event.step.to_string());
        }
        let paths: BTreeSet<_> = report
            .all_steps()
            .map(|step| step.path.to_string())
            .collect();
        assert_eq!(told, paths);
        assert_eq!(paths.len(), 15);
        for path in &paths {
            assert_eq!(&*report.step(path).unwrap().path, &**path);
        }
        // A path goes before a name.
        assert_eq!(&*report.step("a/s0").unwrap().path, "a/s0");
        assert_eq!(&*report.step("a[1]/s0").unwrap().path, "a[1]/s0");
        assert_eq!(&*report.step("a\\/s0").unwrap().name, "a/s0");
        assert_eq!(&*report.step("a[1]").unwrap().name, "a[1]");
    });
}

#[test]
fn the_critical_path_leads_through_what_steps_run() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = sleepers(&rt, &Gauge::default(), 4, ms(5));
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        let first = graph.step("first", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(1)).await;
                Ok(())
            }
        });
        let first = first.id();
        graph.then("all", first, move |context, _| {
            run_inner(context, inner.clone())
        });
        let report = at_once(&rt, 1).run(&graph.build().unwrap()).await;
        assert_eq!(report.wall, ms(21));
        assert_eq!(report.critical_path.duration, ms(6));
        let steps = &report.critical_path.steps;
        assert_eq!(steps[..2], ["first", "all"]);
        assert!(
            steps.len() == 3 && steps[2].starts_with("all/s"),
            "{steps:?}"
        );
    });
}

#[test]
fn what_steps_run_is_kept_as_it_was_asked_for() {
    TestRuntime::run_seeds(4, |rt| async move {
        let graph = outer("outer", &sleepers(&rt, &Gauge::default(), 2, ms(1)));
        let kept = |report: &FlowReport| {
            let steps = report.all_steps();
            let kept = steps.filter(|step| step.output.is_some());
            kept.map(|step| step.path.to_string()).collect::<Vec<_>>()
        };
        let report = Flow::new(&rt).run(&graph).await;
        assert_eq!(kept(&report), ["outer"]);
        let report = Flow::new(&rt).keep_all().run(&graph).await;
        assert_eq!(kept(&report), ["outer", "outer/s0", "outer/s1"]);
        let report = Flow::new(&rt).keep_only(["outer/s1"]).run(&graph).await;
        assert_eq!(kept(&report), ["outer/s1"]);
    });
}

#[test]
fn whoever_comes_late_hears_the_rest() {
    TestRuntime::run_seeds(16, |rt| async move {
        let graph = outer("outer", &sleepers(&rt, &Gauge::default(), 3, ms(2)));
        let mut run = at_once(&rt, 1).start(&graph);
        let clock = rt.clone();
        let early = async {
            clock.sleep(ms(3)).await;
        };
        // Polls the run for three milliseconds.
        future::or(async { drop((&mut run).await) }, early).await;
        let mut events = run.events();
        let handle = run.handle("outer").unwrap();
        let report = run.await;
        let mut told = Vec::new();
        while let Some(event) = events.next().await {
            told.push((event.step.to_string(), event.status));
        }
        let (processing, completed) = (Status::Processing, Status::Completed);
        let expected = [
            ("outer/s1", completed),
            ("outer/s2", processing),
            ("outer/s2", completed),
            ("outer", completed),
        ];
        assert_eq!(
            told,
            expected.map(|(path, status)| (path.to_owned(), status))
        );
        assert_eq!(handle.await.status, completed);
        assert_eq!(report.wall, ms(6));
    });
}

#[test]
fn a_handle_of_a_step_that_has_ended_tells_of_it() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step("early", |_| async { Ok(1) });
        let clock = rt.clone();
        graph.step("late", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(2)).await;
                Ok(())
            }
        });
        let mut run = Flow::new(&rt).start(&graph.build().unwrap());
        let clock = rt.clone();
        future::or(async { drop((&mut run).await) }, clock.sleep(ms(1))).await;
        let early = run.handle("early").unwrap();
        assert!(early.is_finished());
        assert_eq!(early.await.json(), Some(json!(1)));
        let late = run.handle("late").unwrap();
        assert!(!late.is_finished());
        drop(run);
        assert_eq!(late.await.status, Status::Cancelled);
    });
}
