//! What runs within a run share with it: resources and the shared state.

use std::error::Error;
use std::num::NonZeroUsize;

use fascine::flow::{Flow, Graph, GraphBuilder, Status};
use fascine_testing::TestRuntime;
use futures_lite::future;
use serde_json::{Value, json};

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::flow::nesting::{outer, run_inner};

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
                async move {
                    clock.sleep(ms(2)).await;
                    Ok(())
                }
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
            async move {
                clock.sleep(ms(1)).await;
                Ok(())
            }
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
