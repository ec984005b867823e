use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use fascine::flow::{Each, Flow, GraphBuilder, GraphError, GrowthError, Status};
use fascine::http::Net;
use fascine::resilience::{Backoff, Retry};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::json;

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::flow::growing::{at_once, chain, growth_error, sleeps, times};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    items_are_mapped_in_their_order,
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
                    _ => {
                        clock.sleep(ms(1)).await;
                        Ok(())
                    }
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
