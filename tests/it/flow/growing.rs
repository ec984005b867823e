//! Growth: items, graphs as steps, repetitions.

use std::error::Error;
use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use fascine::flow::{
    Each, Flow, FlowReport, Graph, GraphBuilder, GraphError, GrowthError, OnError, Repeat, Round,
    Status, StepError, StepId, StepResult,
};
use fascine::http::Net;
use fascine::resilience::{Backoff, Retry};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::json;

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    items_are_mapped_in_their_order,
    a_step_is_repeated_until_it_is_done,
}

fn at_once(rt: &Rt, places: usize) -> Flow {
    Flow::new(rt).with_max_concurrent(NonZeroUsize::new(places).unwrap())
}

/// A step that gives the times in milliseconds, with its graph.
fn times(times: &[u64]) -> (GraphBuilder, StepId<Vec<u64>>) {
    let mut graph = GraphBuilder::new();
    let times = times.to_vec();
    let id = graph.step("times", move |_| {
        let times = times.clone();
        async { Ok(times) }
    });
    let id = id.id();
    (graph, id)
}

/// Sleeps as long as the item says, and gives it.
fn sleeps(
    rt: &Rt,
) -> impl Fn(fascine::flow::StepContext, u64) -> fascine::rt::BoxFuture<StepResult<u64>> + use<> {
    let clock = rt.clone();
    move |_, time| {
        let clock = clock.clone();
        Box::pin(async move {
            clock.sleep(ms(time)).await;
            Ok(time)
        })
    }
}

fn growth_error(report: &FlowReport, path: &str) -> GrowthError {
    match report.step(path).unwrap().error.as_deref() {
        Some(StepError::Failed { source, .. }) => {
            source.downcast_ref::<GrowthError>().unwrap().clone()
        }
        other => panic!("{other:?}"),
    }
}

/// All causes of an error, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

async fn items_are_mapped_in_their_order(rt: Rt, _: Arc<dyn Net>) {
    let (mut graph, list) = times(&[3, 1, 2]);
    let map = graph
        .map("slept", list, Each::concurrent(), sleeps(&rt))
        .id();
    graph.then("sum", map, |_, slept| async move {
        Ok(slept.iter().sum::<u64>())
    });
    let report = Flow::new(&rt).keep_all().run(&graph.build().unwrap()).await;
    report.assert_completed().unwrap();
    assert_eq!(report.step("slept").unwrap().json(), Some(json!([3, 1, 2])));
    assert_eq!(report.step("sum").unwrap().json(), Some(json!(6)));
    let items: Vec<_> = report.all_steps().map(|step| &*step.path).collect();
    assert_eq!(
        items,
        ["times", "slept", "slept[0]", "slept[1]", "slept[2]", "sum"]
    );
}

async fn a_step_is_repeated_until_it_is_done(rt: Rt, _: Arc<dyn Net>) {
    let mut graph = GraphBuilder::new();
    let clock = rt.clone();
    graph.repeat(
        "count",
        Repeat::at_most(4),
        move |_, before: Option<u32>| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(1)).await;
                let count = before.unwrap_or(0) + 1;
                Ok(if count == 3 {
                    Round::Done(count)
                } else {
                    Round::Again(count)
                })
            }
        },
    );
    let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
    report.assert_completed().unwrap();
    assert_eq!(report.step("count").unwrap().json(), Some(json!(3)));
    let paths: Vec<_> = report.all_steps().map(|step| &*step.path).collect();
    assert_eq!(paths, ["count", "count[0]", "count[1]", "count[2]"]);
}

#[test]
fn each_strategy_takes_its_time() {
    TestRuntime::run_seeds(16, |rt| async move {
        let chunked = |size| Each::chunked(NonZeroUsize::new(size).unwrap());
        // With places for all, and with two.
        for (each, all, two) in [
            (Each::concurrent(), 40, 60),
            (Each::sequential(), 100, 100),
            // 10 and 20, then 30 and 40.
            (chunked(2), 60, 60),
            // 10, 20 and 30, then 40.
            (chunked(3), 70, 80),
            (chunked(100), 40, 60),
        ] {
            let (mut graph, list) = times(&[10, 20, 30, 40]);
            graph.map("slept", list, each.clone(), sleeps(&rt));
            let graph = graph.build().unwrap();
            let report = Flow::new(&rt).unlimited().run(&graph).await;
            assert_eq!(report.wall, ms(all), "{each:?}");
            let report = at_once(&rt, 2).run(&graph).await;
            assert_eq!(report.wall, ms(two), "{each:?}");
            assert_eq!(
                report.step("slept").unwrap().json(),
                Some(json!([10, 20, 30, 40]))
            );
        }
    });
}

#[test]
fn an_empty_list_is_mapped_to_an_empty_list() {
    TestRuntime::run_seeds(4, |rt| async move {
        for each in [Each::concurrent(), Each::sequential()] {
            let (mut graph, list) = times(&[]);
            graph.map("map", list, each.clone(), sleeps(&rt));
            graph.map_settled("settled", list, each.clone(), sleeps(&rt));
            graph.map_reduce("sum", list, each, sleeps(&rt), 7, |sum, next| sum + next);
            let report = at_once(&rt, 1)
                .with_max_growth(0)
                .run(&graph.build().unwrap())
                .await;
            report.assert_completed().unwrap();
            let gave = |path| report.step(path).unwrap().json().unwrap();
            assert_eq!(
                [gave("map"), gave("settled"), gave("sum")],
                [json!([]), json!([]), json!(7)]
            );
        }
    });
}

#[test]
fn the_first_failure_of_an_item_cancels_the_others() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let (mut graph, list) = times(&[1, 2, 0, 3]);
        let (clock, held) = (rt.clone(), gauge.clone());
        graph.map("map", list, Each::concurrent(), move |_, time| {
            let (clock, entered) = (clock.clone(), held.enter());
            async move {
                let _entered = entered;
                clock.sleep(ms(5 + time)).await;
                if time == 0 {
                    Err("none".into())
                } else {
                    Ok(time)
                }
            }
        });
        let report = at_once(&rt, 4).run(&graph.build().unwrap()).await;
        assert_eq!((report.wall, gauge.now()), (ms(5), 0));
        let error = report.step("map").unwrap().error.clone().unwrap();
        assert_eq!(
            chain(&*error),
            "step `map` failed at attempt 1: the graph that step `map` runs has failed: \
             step `map[2]` failed at attempt 1: none"
        );
        let cancelled = report
            .all_steps()
            .filter(|step| step.status == Status::Cancelled);
        assert_eq!(cancelled.count(), 3);
        assert_eq!(report.assert_completed().unwrap_err().step, "map[2]");
    });
}

#[test]
fn failures_that_are_collected_do_nothing_to_the_others() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (mut graph, list) = times(&[1, 0, 2, 9]);
        graph.map_settled("map", list, Each::sequential(), |_, time| async move {
            match time {
                0 => Err("none".into()),
                9 => panic!("nine"),
                time => Ok(time),
            }
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let expected = json!([
            {"Ok": 1},
            {"Err": "step `map[1]` failed at attempt 1: none"},
            {"Ok": 2},
            {"Err": "step `map[3]` panicked: nine"},
        ]);
        assert_eq!(report.step("map").unwrap().json(), Some(expected));
        assert!(report.is_success());
        assert_eq!(report.error_count, 2);
    });
}

#[test]
fn items_are_reduced_in_their_order() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (mut graph, list) = times(&[3, 1, 2]);
        let join = |text: String, next| format!("{text} {next}");
        graph.map_reduce(
            "text",
            list,
            Each::concurrent(),
            sleeps(&rt),
            "got".to_owned(),
            join,
        );
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(
            report.step("text").unwrap().json(),
            Some(json!("got 3 1 2"))
        );
        assert_eq!(report.wall, ms(3));
    });
}

#[test]
fn a_last_step_gets_all_that_items_gave() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        graph.step("all", move |context| {
            let clock = clock.clone();
            async move {
                let expand = context.expand([3, 1, 2], sleeps(&clock));
                let sum = expand.aggregate(|context, all| async move {
                    Ok(format!("{} of {}", context.path(), all.iter().sum::<u64>()))
                });
                Ok(sum.await?)
            }
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(
            report.step("all").unwrap().json(),
            Some(json!("all[all] of 6"))
        );
        assert_eq!(report.step("all[all]").unwrap().started, Some(ms(3)));
    });
}

#[test]
fn settings_hold_for_each_item() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (mut graph, list) = times(&[0, 0, 0]);
        graph.resource("disk", NonZeroUsize::MIN);
        let gauge = Gauge::default();
        let (clock, held) = (rt.clone(), gauge.clone());
        let retry = Retry::new(&rt).with_attempts(NonZeroU32::new(3).unwrap());
        let each = Each::concurrent()
            .with_retry(retry.with_backoff(Backoff::constant(ms(0))))
            .with_timeout(ms(5))
            .with_resource("disk");
        graph.map("map", list, each, move |context, _| {
            let (clock, held) = (clock.clone(), held.clone());
            async move {
                let _entered = held.enter();
                match context.attempt() {
                    1 => Err("not yet".into()),
                    2 => pending().await,
                    _ => Ok(clock.sleep(ms(1)).await),
                }
            }
        });
        let report = Flow::new(&rt)
            .unlimited()
            .run(&graph.build().unwrap())
            .await;
        report.assert_completed().unwrap();
        assert_eq!((gauge.peak(), report.wall), (1, ms(18)));
        let items = report.all_steps().filter(|step| step.path.contains('['));
        assert!({ items }.all(|item| item.attempts == 3));
    });
}

#[test]
fn items_cannot_use_a_resource_that_nobody_has() {
    TestRuntime::run_seeds(4, |rt| async move {
        let (mut graph, list) = times(&[0]);
        let each = Each::concurrent().with_resource("disk");
        graph.map("map", list, each, sleeps(&rt));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let error = report.step("map").unwrap().error.clone().unwrap();
        assert_eq!(
            chain(&*error),
            "step `map` failed at attempt 1: the graph that step `map` runs cannot be built: \
             step `map` uses a resource `disk` that does not exist"
                .replace("step `map` uses", "step `[0]` uses")
        );
    });
}

#[test]
fn items_that_write_one_key_at_once_need_a_reducer() {
    TestRuntime::run_seeds(4, |rt| async move {
        for (each, reduced, works) in [
            (Each::concurrent(), false, false),
            (Each::concurrent(), true, true),
            (Each::sequential(), false, true),
        ] {
            let (mut graph, list) = times(&[1, 2, 3]);
            if reduced {
                graph.reducer("max", |before, new| match before {
                    Some(before) if before.as_u64() > new.as_u64() => before.clone(),
                    _ => new,
                });
            }
            graph.map(
                "map",
                list,
                each.with_writes("max"),
                |context, time| async move {
                    context.update("max", time)?;
                    Ok(time)
                },
            );
            let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
            assert_eq!(report.is_success(), works);
            if works {
                assert_eq!(report.state.get("max"), Some(&json!(3)));
            } else {
                let error = growth_error(&report, "map");
                let GrowthError::Graph { source, .. } = error else {
                    panic!("{error:?}");
                };
                assert!(matches!(source, GraphError::SharedKey { .. }));
            }
        }
    });
}

#[test]
fn ten_thousand_items_are_mapped_and_one_more_is_too_many() {
    let runtime = TestRuntime::new();
    let rt = runtime.rt();
    let mapped = |count: u64| {
        let list: Vec<u64> = (0..count).collect();
        let (mut graph, list) = times(&list);
        let map = graph.map("map", list, Each::concurrent(), |_, item| async move {
            Ok(item + 1)
        });
        let map = map.id();
        graph.then(
            "sum",
            map,
            |_, all| async move { Ok(all.iter().sum::<u64>()) },
        );
        let graph = graph.build().unwrap();
        let flow = at_once(&rt, 7);
        runtime.block_on(async move { flow.run(&graph).await })
    };
    let report = mapped(10_000);
    assert_eq!(report.step("sum").unwrap().json(), Some(json!(50_005_000)));
    assert_eq!(report.step("map[9999]").unwrap().status, Status::Completed);
    let report = mapped(10_001);
    let error = growth_error(&report, "map");
    assert!(matches!(
        error,
        GrowthError::TooManySteps { limit: 10_000, .. }
    ));
    assert_eq!(report.all_steps().count(), 3);
}

#[test]
fn items_run_graphs_and_items_of_their_own() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (mut graph, list) = times(&[1, 2]);
        let clock = rt.clone();
        graph.map("map", list, Each::concurrent(), move |context, count| {
            let clock = clock.clone();
            async move {
                let mut inner = GraphBuilder::new();
                inner.step("child", |_| async { Ok(()) });
                context.run(&inner.build()?).await?.assert_completed()?;
                let times = vec![1; count as usize];
                Ok(context.expand(times, sleeps(&clock)).collect().await?)
            }
        });
        let report = at_once(&rt, 1).run(&graph.build().unwrap()).await;
        report.assert_completed().unwrap();
        let paths: Vec<_> = report.all_steps().skip(2).map(|step| &*step.path).collect();
        let expected = [
            "map[0]",
            "map[0]/child",
            "map[0][1]",
            "map[1]",
            "map[1]/child",
            "map[1][1]",
            "map[1][2]",
        ];
        assert_eq!(paths, expected);
        assert_eq!(report.wall, ms(3));
        for path in expected {
            assert_eq!(&*report.step(path).unwrap().path, path);
        }
    });
}

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
        let rescued = rescued
            .on_error(OnError::Fallback(fascine::flow::Output::new(5_u32)))
            .id();
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

#[test]
fn a_repetition_that_is_not_done_fails_or_gives_the_last() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        for (name, repeat) in [
            ("fails", Repeat::at_most(3)),
            ("last", Repeat::at_most(3).or_last()),
        ] {
            graph.repeat(name, repeat, |_, before: Option<u32>| async move {
                Ok(Round::Again(before.unwrap_or(0) + 1))
            });
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("last").unwrap().json(), Some(json!(3)));
        let error = growth_error(&report, "fails");
        assert!(matches!(error, GrowthError::NotDone { limit: 3, .. }));
        assert_eq!(
            error.to_string(),
            "step `fails` was not done after 3 repetitions"
        );
        assert_eq!(report.step("fails").unwrap().nested.len(), 3);
    });
}

#[test]
fn to_repeat_zero_times_is_refused() {
    let mut graph = GraphBuilder::new();
    graph.repeat("none", Repeat::at_most(0), |_, _: Option<u32>| async {
        Ok(Round::Done(1))
    });
    assert_eq!(
        graph.build().unwrap_err(),
        GraphError::ZeroRepeats {
            step: "none".into()
        }
    );
}

#[test]
fn steps_reason_act_and_validate_until_it_fits() {
    TestRuntime::run_seeds(16, |rt| async move {
        let asked = Arc::<AtomicU32>::default();
        let count = Arc::clone(&asked);
        let mut graph = GraphBuilder::new();
        graph.step("goal", |_| async { Ok(12) });
        let repeat = Repeat::at_most(10);
        graph.repeat("solve", repeat, move |context, before: Option<u32>| {
            let count = Arc::clone(&count);
            async move {
                let outer = context.outer().ok_or("it runs alone")?;
                let goal = outer.input_json("goal").and_then(|goal| goal.as_u64());
                let goal = goal.ok_or("there is no goal")?;
                let mut round = GraphBuilder::new();
                let reason = round.step(
                    "reason",
                    move |_| async move { Ok(before.unwrap_or(0) + 5) },
                );
                let reason = reason.id();
                let act = round.then("act", reason, move |_, guess| {
                    count.fetch_add(1, SeqCst);
                    async move { Ok(*guess) }
                });
                let act = act.id();
                let fits = round.then("validate", act, move |_, guess| async move {
                    Ok(u64::from(*guess) >= goal)
                });
                let fits = fits.id();
                let report = context.run(&round.build()?).await?;
                report.assert_completed()?;
                let _ = fits;
                let fits = report.step("validate").and_then(|step| step.json());
                let guess = before.unwrap_or(0) + 5;
                Ok(match fits {
                    Some(serde_json::Value::Bool(true)) => Round::Done(guess),
                    _ => Round::Again(guess),
                })
            }
        });
        graph.edge("goal", "solve");
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        report.assert_completed().unwrap();
        assert_eq!(report.step("solve").unwrap().json(), Some(json!(15)));
        assert_eq!(asked.load(SeqCst), 3);
        assert_eq!(
            report.step("solve[2]/validate").unwrap().status,
            Status::Completed
        );
    });
}

#[test]
fn a_failing_repetition_fails_the_step_and_its_own_retry_begins_anew() {
    TestRuntime::run_seeds(16, |rt| async move {
        let tries = Arc::<AtomicU32>::default();
        let count = Arc::clone(&tries);
        let mut graph = GraphBuilder::new();
        let retry = Retry::new(&rt).with_attempts(NonZeroU32::new(2).unwrap());
        let step = graph.repeat("loop", Repeat::at_most(3), move |_, before: Option<u32>| {
            let count = Arc::clone(&count);
            async move {
                match count.fetch_add(1, SeqCst) {
                    1 => Err("at the second".into()),
                    _ if before.is_some() => Ok(Round::Done(2)),
                    _ => Ok(Round::Again(1)),
                }
            }
        });
        let _ = step.retry(retry);
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        report.assert_completed().unwrap();
        let step = report.step("loop").unwrap();
        assert_eq!((step.attempts, step.nested.len()), (2, 2));
        let paths: Vec<_> = report.all_steps().map(|step| &*step.path).collect();
        assert_eq!(paths, ["loop", "loop[0]", "loop[1]"]);
    });
}

#[test]
fn growth_can_be_dropped_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let gauge = Gauge::default();
        let (mut graph, list) = times(&[1, 2, 3]);
        let (clock, held) = (rt.clone(), gauge.clone());
        let chunked = Each::chunked(NonZeroUsize::new(2).unwrap());
        graph.map_settled("map", list, chunked, move |_, time| {
            let (clock, held) = (clock.clone(), held.clone());
            async move {
                let _entered = held.enter();
                Ok(clock.sleep(ms(time)).await)
            }
        });
        let (clock, held) = (rt.clone(), gauge.clone());
        graph.repeat("repeat", Repeat::at_most(2).or_last(), move |_, before| {
            let (clock, held) = (clock.clone(), held.clone());
            async move {
                let _entered = held.enter();
                clock.sleep(ms(1)).await;
                Ok(Round::Again(before.unwrap_or(0) + 1))
            }
        });
        let graph = graph.build().unwrap();
        cut.apply(at_once(&rt, 2).run(&graph)).await;
        rt.sleep(Duration::from_nanos(1)).await;
        assert_eq!(gauge.now(), 0);
    });
}
