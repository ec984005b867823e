use std::collections::BTreeSet;
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::flow::{Flow, FlowReport, Graph, GraphBuilder, Status, StepContext, StepResult};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;
use serde_json::{Value, json};

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

#[test]
fn resources_of_one_name_have_one_limit() {
    TestRuntime::run_seeds(16, |rt| async move {
        // The limits of the graph around and of the one within, and how many use it at once.
        for (around, within, peak) in [(1, 5, 1), (2, 5, 2), (5, 2, 5), (3, 3, 3)] {
            let gauge = Gauge::default();
            let limit = |limit| NonZeroUsize::new(limit).unwrap();
            let user = |graph: &mut GraphBuilder, name: &str| {
                let (clock, gauge) = (rt.clone(), gauge.clone());
                let step = graph.step(name, move |_| {
                    let (clock, gauge) = (clock.clone(), gauge.clone());
                    async move {
                        let _entered = gauge.enter();
                        clock.sleep(ms(1)).await;
                        Ok(())
                    }
                });
                let _ = step.resource("disk");
            };
            let mut inner = GraphBuilder::new();
            inner.resource("disk", limit(within));
            for name in ["a", "b", "c", "d"] {
                user(&mut inner, name);
            }
            let inner = inner.build().unwrap();
            let mut graph = GraphBuilder::new();
            graph.resource("disk", limit(around));
            for name in ["one", "two"] {
                let inner = inner.clone();
                // It leaves the resource to those that it waits for.
                let step = graph.step(name, move |context| run_inner(context, inner.clone()));
                let _ = step.resource("disk");
            }
            user(&mut graph, "other");
            let report = Flow::new(&rt)
                .unlimited()
                .run(&graph.build().unwrap())
                .await;
            report.assert_completed().unwrap();
            assert_eq!((gauge.peak(), gauge.now()), (peak, 0), "{around}, {within}");
        }
    });
}

#[test]
fn a_resource_that_only_the_graph_within_has_is_its_own() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let mut inner = GraphBuilder::new();
        inner.resource("disk", NonZeroUsize::MIN);
        for name in ["a", "b"] {
            let (clock, gauge) = (rt.clone(), gauge.clone());
            let step = inner.step(name, move |_| {
                let (clock, gauge) = (clock.clone(), gauge.clone());
                async move {
                    let _entered = gauge.enter();
                    clock.sleep(ms(1)).await;
                    Ok(())
                }
            });
            let _ = step.resource("disk");
        }
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        for name in ["one", "two"] {
            let inner = inner.clone();
            graph.step(name, move |context| run_inner(context, inner.clone()));
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!((gauge.peak(), report.wall), (2, ms(2)));
    });
}

#[test]
fn what_a_cancelled_graph_holds_of_a_resource_goes_to_others() {
    TestRuntime::run_seeds(64, |rt| async move {
        let mut inner = GraphBuilder::new();
        inner.resource("disk", NonZeroUsize::MIN);
        for name in ["a", "b", "c"] {
            let clock = rt.clone();
            let step = inner.step(name, move |_| {
                let clock = clock.clone();
                async move { Ok(clock.sleep(ms(2)).await) }
            });
            let _ = step.resource("disk");
        }
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        graph.resource("disk", NonZeroUsize::MIN);
        for name in ["one", "two", "three"] {
            let inner = inner.clone();
            let step = graph.step(name, move |context| run_inner(context, inner.clone()));
            let _ = step.timeout(ms(3));
        }
        let clock = rt.clone();
        let after = graph.step("after", move |_| {
            let clock = clock.clone();
            async move { Ok(clock.sleep(ms(1)).await) }
        });
        let _ = after.resource("disk");
        let report = Flow::new(&rt)
            .unlimited()
            .run(&graph.build().unwrap())
            .await;
        assert_eq!(report.step("after").unwrap().status, Status::Completed);
        assert_eq!(report.with_status(Status::Failed).count(), 3);
        assert!(report.wall <= ms(4));
    });
}

/// A graph whose one step adds to the key.
fn adds(key: &'static str, reduces: bool) -> Graph {
    let mut graph = GraphBuilder::new();
    let step = graph.step("add", move |context| async move {
        context.update(key, 1)?;
        Ok(())
    });
    let _ = step.writes(key);
    if reduces {
        graph.reducer(key, sum);
    }
    graph.build().unwrap()
}

fn sum(before: Option<&Value>, new: Value) -> Value {
    let numbers = [before, Some(&new)].map(|value| value.and_then(Value::as_u64));
    json!(numbers.into_iter().flatten().sum::<u64>())
}

#[test]
fn the_shared_state_is_the_same_within() {
    TestRuntime::run_seeds(16, |rt| async move {
        for (around, within) in [(true, false), (false, true), (true, true)] {
            let inner = adds("count", within);
            let mut graph = GraphBuilder::new();
            if around {
                graph.reducer("count", sum);
            }
            for name in ["one", "two", "three"] {
                let inner = inner.clone();
                graph.step(name, move |context| run_inner(context, inner.clone()));
            }
            let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
            report.assert_completed().unwrap();
            assert_eq!(report.state.get("count"), Some(&json!(3)));
        }
    });
}

#[test]
fn a_key_that_others_change_needs_a_reducer_within_too() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = adds("count", false);
        let mut graph = GraphBuilder::new();
        let nested = inner.clone();
        graph.step("one", move |context| run_inner(context, nested.clone()));
        let other = graph.step("other", |_| async { Ok(()) });
        let _ = other.writes("count");
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let error = report.errors[0].source().unwrap().to_string();
        assert_eq!(
            error,
            "step `one` changes `count`, as others do, and it has no reducer"
        );
        // One after the other is fine, at once is not.
        let mut graph = GraphBuilder::new();
        let nested = inner.clone();
        graph.step("in turn", move |context| {
            let runs = [(); 3].map(|()| context.run(&nested));
            async move {
                for run in runs {
                    run.await?.assert_completed()?;
                }
                Ok(())
            }
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        report.assert_completed().unwrap();
        let mut graph = GraphBuilder::new();
        graph.step("at once", move |context| {
            let runs = future::zip(context.run(&inner), context.run(&inner));
            async move {
                let (one, two) = runs.await;
                Ok(usize::from(one.is_ok()) + usize::from(two.is_ok()))
            }
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("at once").unwrap().json(), Some(json!(1)));
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
            async move { Ok(clock.sleep(ms(1)).await) }
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
            async move { Ok(clock.sleep(ms(2)).await) }
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

#[test]
fn ten_runs_with_runs_in_them_do_not_mix() {
    TestRuntime::run_seeds(4, |rt| async move {
        let graph = outer("outer", &outer("middle", &adds("count", false)));
        let runs = (0..10).map(|_| rt.spawn(Flow::new(&rt).start(&graph)));
        for run in runs.collect::<Vec<_>>() {
            let report = run.await.unwrap();
            assert_eq!(report.state.get("count"), Some(&json!(1)));
            assert_eq!(report.all_steps().count(), 3);
        }
    });
}
