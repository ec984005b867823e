//! How runs within a run end: failures, limits, cancelling, dropping.

use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::concurrency::Event;
use fascine::flow::{
    Flow, FlowReport, Graph, GraphBuilder, GrowthError, OnError, Status, StepContext, StepHandle,
    StepResult,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use serde_json::json;

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::flow::growing::growth_error;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    cancelling_the_run_cancels_what_its_steps_run,
}

/// One step that runs what the function does.
fn step<F, T>(name: &str, work: impl Fn(StepContext) -> F + Send + Sync + 'static) -> Graph
where
    F: Future<Output = StepResult<T>> + Send + 'static,
    T: fascine::flow::StepOutput,
{
    let mut graph = GraphBuilder::new();
    graph.step(name, work);
    graph.build().unwrap()
}

/// One step that runs this graph, and fails if that does not complete.
fn outer(name: &str, inner: &Graph) -> Graph {
    let inner = inner.clone();
    step(name, move |context| {
        let run = context.run(&inner);
        async move {
            run.await?.assert_completed()?;
            Ok(())
        }
    })
}

fn endless(gauge: &Gauge) -> Graph {
    let gauge = gauge.clone();
    let mut graph = GraphBuilder::new();
    let first = graph.step("endless", move |_| {
        let entered = gauge.enter();
        async move {
            let _entered = entered;
            pending::<StepResult<()>>().await
        }
    });
    let first = first.id();
    graph.then("behind", first, |_, _| async { Ok(()) });
    graph.build().unwrap()
}

fn statuses(report: &FlowReport) -> Vec<(&str, Status)> {
    let steps = report.all_steps();
    steps.map(|step| (&*step.path, step.status)).collect()
}

async fn cancelling_the_run_cancels_what_its_steps_run(rt: Rt, _: Arc<dyn Net>) {
    let gauge = Gauge::default();
    let graph = outer("outer", &outer("middle", &endless(&gauge)));
    let mut run = Flow::new(&rt).start(&graph);
    let (canceller, mut events) = (run.canceller(), run.events());
    let cancel = async {
        while let Some(event) = events.next().await {
            if &*event.step == "outer/middle/endless" {
                canceller.cancel();
            }
        }
    };
    let (report, ()) = future::zip(run, cancel).await;
    assert_eq!(gauge.now(), 0);
    assert_eq!(
        statuses(&report),
        [
            ("outer", Status::Cancelled),
            ("outer/middle", Status::Cancelled),
            ("outer/middle/endless", Status::Cancelled),
            ("outer/middle/behind", Status::Aborted),
        ]
    );
    assert_eq!(report.to_rerun().count(), 4);
}

#[test]
fn a_run_whose_time_is_over_tells_of_what_its_steps_ran() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let graph = outer("outer", &endless(&gauge));
        let report = Flow::new(&rt).with_timeout(ms(5)).run(&graph).await;
        assert!(report.timed_out);
        assert_eq!((report.wall, gauge.now()), (ms(5), 0));
        let endless = report.step("outer/endless").unwrap();
        assert_eq!(
            (endless.status, endless.elapsed),
            (Status::Cancelled, ms(5))
        );
    });
}

#[test]
fn a_failure_within_fails_the_step_that_asks_for_completion() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = step("bad", |_| async { Err::<(), _>("bad luck".into()) });
        let report = Flow::new(&rt).run(&outer("outer", &inner)).await;
        assert_eq!((report.error_count, report.errors.len()), (2, 2));
        let texts: Vec<_> = report.errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "step `outer/bad` failed at attempt 1",
                "step `outer` failed at attempt 1"
            ]
        );
        let error = report.assert_completed().unwrap_err();
        assert_eq!(error.step, "outer/bad");
        let paths: Vec<_> = report.to_rerun().map(|step| &*step.path).collect();
        assert_eq!(paths, ["outer", "outer/bad"]);
    });
}

#[test]
fn a_failure_that_is_dealt_with_is_counted_and_does_no_harm() {
    TestRuntime::run_seeds(16, |rt| async move {
        let inner = step("bad", |_| async { Err::<(), _>("bad luck".into()) });
        let graph = step("outer", move |context| {
            let run = context.run(&inner);
            async move { Ok(run.await?.error_count) }
        });
        let report = Flow::new(&rt).run(&graph).await;
        assert!(report.assert_completed().is_ok() && report.is_success());
        assert_eq!(report.step("outer").unwrap().json(), Some(json!(1)));
        assert_eq!((report.error_count, report.to_rerun().count()), (1, 0));
        assert_eq!(report.step("outer/bad").unwrap().status, Status::Failed);
    });
}

#[test]
fn a_failure_that_ends_the_run_within_fails_the_step_and_nothing_else() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let held = gauge.clone();
        let mut inner = GraphBuilder::new();
        let bad = inner.step("bad", |_| async { Err::<(), _>("bad luck".into()) });
        let _ = bad.on_error(OnError::FailFast);
        inner.step("endless", move |_| {
            let entered = held.enter();
            async move {
                let _entered = entered;
                pending::<StepResult<()>>().await
            }
        });
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        graph.step("outer", move |context| {
            let run = context.run(&inner);
            async move { Ok(run.await?.error_count) }
        });
        let clock = rt.clone();
        graph.step("other", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(3)).await;
                Ok(())
            }
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(gauge.now(), 0);
        assert_eq!(report.step("other").unwrap().status, Status::Completed);
        let error = growth_error(&report, "outer");
        let GrowthError::Failed { path, source } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((&**path, source.step()), ("outer", "outer/bad"));
        assert_eq!(
            error.to_string(),
            "the graph that step `outer` runs has failed"
        );
        let cut = report.step("outer/endless").unwrap().status;
        assert!(matches!(cut, Status::Cancelled | Status::Aborted));
    });
}

#[test]
fn graphs_bring_no_more_steps_than_they_may() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut inner = GraphBuilder::new();
        for number in 0..4 {
            inner.step(format!("{number}"), |_| async { Ok(()) });
        }
        let inner = inner.build().unwrap();
        let graph = step("outer", move |context| {
            let runs = [0; 3].map(|_| context.run(&inner));
            async move {
                for run in runs {
                    run.await?;
                }
                Ok(())
            }
        });
        for (limit, fits) in [(12, true), (11, false), (0, false), (usize::MAX, true)] {
            let report = Flow::new(&rt).with_max_growth(limit).run(&graph).await;
            assert_eq!(report.is_success(), fits, "{limit}");
            if !fits {
                let error = growth_error(&report, "outer");
                assert!(matches!(error, GrowthError::TooManySteps { limit: l, .. } if l == limit));
            }
        }
    });
}

/// Runs itself, without an end.
fn recursive() -> Graph {
    let own: Arc<Mutex<Option<Graph>>> = Arc::default();
    let known = Arc::clone(&own);
    let graph = step("again", move |context| {
        let graph = known.lock().unwrap().clone();
        async move {
            let report = context.run(&graph.ok_or("there is none")?).await?;
            report.assert_completed()?;
            Ok(())
        }
    });
    *own.lock().unwrap() = Some(graph.clone());
    graph
}

#[test]
fn a_graph_that_runs_itself_ends_at_the_limit() {
    TestRuntime::run_seeds(4, |rt| async move {
        for depth in [0, 1, 5, 16, 100] {
            let flow = Flow::new(&rt).sequential().with_max_depth(depth);
            let report = flow.run(&recursive()).await;
            let deepest = report.all_steps().last().unwrap();
            assert_eq!(deepest.path.matches('/').count(), depth as usize);
            let error = growth_error(&report, &deepest.path);
            assert!(matches!(error, GrowthError::TooDeep { limit, .. } if limit == depth));
            assert_eq!(report.error_count, u64::from(depth) + 1);
        }
        assert_eq!(
            Flow::new(&rt).run(&recursive()).await.all_steps().count(),
            17
        );
    });
}

#[test]
fn giving_up_on_a_graph_cancels_it_and_the_step_goes_on() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let (inner, clock) = (endless(&gauge), rt.clone());
        let graph = step("outer", move |context| {
            let (run, clock) = (context.run(&inner), clock.clone());
            async move {
                let sleep = async {
                    clock.sleep(ms(2)).await;
                    false
                };
                let ended = future::or(async { run.await.is_ok() }, sleep).await;
                clock.sleep(ms(2)).await;
                Ok(ended)
            }
        });
        for places in [1, 2, 5] {
            let flow = Flow::new(&rt).with_max_concurrent(NonZeroUsize::new(places).unwrap());
            let report = flow.run(&graph).await;
            assert!(report.is_success());
            assert_eq!((report.wall, gauge.now()), (ms(4), 0));
            let endless = report.step("outer/endless").unwrap();
            assert_eq!(
                (endless.status, endless.elapsed),
                (Status::Cancelled, ms(2))
            );
            let behind = report.step("outer/behind").unwrap();
            assert_eq!(behind.status, Status::Aborted);
        }
    });
}

#[test]
fn a_try_that_took_too_long_ends_what_it_ran_and_the_last_try_is_told_of() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let inner = endless(&gauge);
        let mut graph = GraphBuilder::new();
        let step = graph.step("outer", move |context| {
            let is_last = context.attempt() == 3;
            let quick = step("quick", |_| async { Ok(()) });
            let run = context.run(if is_last { &quick } else { &inner });
            async move { Ok(run.await?.steps.len()) }
        });
        let retry = fascine::resilience::Retry::new(&rt);
        let _ = step
            .timeout(ms(2))
            .retry(retry.with_attempts(NonZeroU32::new(3).unwrap()));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(
            statuses(&report),
            [
                ("outer", Status::Completed),
                ("outer/quick", Status::Completed)
            ]
        );
        assert_eq!((gauge.now(), gauge.peak()), (0, 1));
    });
}

#[test]
fn handles_of_what_a_step_runs_always_resolve() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let kept: Arc<Mutex<Vec<StepHandle>>> = Arc::default();
        let (inner, handles) = (endless(&gauge), Arc::clone(&kept));
        let graph = step("outer", move |context| {
            let mut run = context.run(&inner);
            assert!(run.handle("nobody").is_none());
            let mine = ["endless", "behind"].map(|name| run.handle(name).unwrap());
            handles.lock().unwrap().extend(mine);
            // Never polled.
            handles
                .lock()
                .unwrap()
                .extend(context.run(&inner).handle("behind"));
            async move { Ok(run.await?.steps.len()) }
        });
        let report = Flow::new(&rt).with_timeout(ms(1)).run(&graph).await;
        assert!(report.timed_out);
        let handles = std::mem::take(&mut *kept.lock().unwrap());
        let mut ends = Vec::new();
        for handle in handles {
            let report = handle.await;
            ends.push((report.path.to_string(), report.status));
        }
        let ends: Vec<_> = ends
            .iter()
            .map(|(path, status)| (&**path, *status))
            .collect();
        assert_eq!(
            ends,
            [
                ("outer/endless", Status::Cancelled),
                ("outer/behind", Status::Aborted),
                ("outer/behind", Status::Aborted),
            ]
        );
    });
}

#[test]
fn a_step_that_has_ended_runs_nothing_more() {
    TestRuntime::run_seeds(16, |rt| async move {
        let kept: Arc<Mutex<Option<StepContext>>> = Arc::default();
        let keep = Arc::clone(&kept);
        let graph = step("outer", move |context| {
            *keep.lock().unwrap() = Some(context);
            async { Ok(()) }
        });
        let report = Flow::new(&rt).run(&graph).await;
        assert!(report.is_success());
        let context = kept.lock().unwrap().take().unwrap();
        let error = context.run(&endless(&Gauge::default())).await.unwrap_err();
        assert!(matches!(error, GrowthError::Ended { .. }));
        assert_eq!(error.path(), "outer");
    });
}

#[test]
fn a_step_that_does_not_wait_for_what_it_runs_blocks_nobody() {
    TestRuntime::run_seeds(16, |rt| async move {
        let gauge = Gauge::default();
        let (inner, runtime) = (endless(&gauge), rt.clone());
        let tasks: Arc<Mutex<Vec<fascine::rt::Task<()>>>> = Arc::default();
        let kept = Arc::clone(&tasks);
        let mut graph = GraphBuilder::new();
        let stray = graph.step("stray", move |context| {
            let run = context.run(&inner);
            let task = runtime.spawn(async move { drop(run.await) });
            kept.lock().unwrap().push(task);
            let clock = runtime.clone();
            async move {
                clock.sleep(ms(1)).await;
                Ok(())
            }
        });
        let stray = stray.id();
        graph.then("after", stray, |_, _| async { Ok(()) });
        let flow = Flow::new(&rt).with_max_concurrent(NonZeroUsize::new(2).unwrap());
        let report = flow.run(&graph.build().unwrap()).await;
        assert!(report.is_success());
        assert_eq!(report.wall, ms(1));
        drop(std::mem::take(&mut *tasks.lock().unwrap()));
    });
}

#[test]
fn a_run_within_a_run_can_be_dropped_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let gauge = Gauge::default();
        let clock = rt.clone();
        let held = gauge.clone();
        let mut inner = GraphBuilder::new();
        let first = inner.step("first", move |_| {
            let (clock, held) = (clock.clone(), held.clone());
            async move {
                let _entered = held.enter();
                clock.sleep(ms(1)).await;
                Ok(())
            }
        });
        let first = first.id();
        let (clock, held) = (rt.clone(), gauge.clone());
        inner.then("second", first, move |_, _| {
            let (clock, held) = (clock.clone(), held.clone());
            async move {
                let _entered = held.enter();
                clock.sleep(ms(1)).await;
                Ok(())
            }
        });
        let inner = inner.build().unwrap();
        // The step waits while its graph is polled here.
        let (lent, done) = (Arc::new(Mutex::new(None)), Arc::new(Event::new()));
        let (lend, wait) = (Arc::clone(&lent), Arc::clone(&done));
        let graph = step("outer", move |context| {
            *lend.lock().unwrap() = Some(context);
            let wait = Arc::clone(&wait);
            async move {
                wait.wait().await;
                Ok(())
            }
        });
        let flow = Flow::new(&rt).with_max_concurrent(NonZeroUsize::new(2).unwrap());
        let running = rt.spawn(flow.start(&graph));
        rt.sleep(Duration::from_nanos(1)).await;
        let context: StepContext = lent.lock().unwrap().take().unwrap();
        let mut nested = context.run(&inner);
        let handle = nested.handle("second").unwrap();
        drop(context);
        cut.apply(nested).await;
        assert!(handle.await.status.is_final());
        done.set();
        let report = running.await.unwrap();
        assert!(report.is_success());
        let steps = report.all_steps().filter(|step| step.path.contains('/'));
        assert!({ steps }.all(|step| step.status.is_final()));
        rt.sleep(Duration::from_nanos(1)).await;
        assert_eq!((gauge.now(), gauge.peak().min(1)), (0, gauge.peak()));
    });
}

#[test]
fn a_run_with_runs_in_it_can_be_dropped_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let gauge = Gauge::default();
        let mut inner = GraphBuilder::new();
        for name in ["one", "two", "three"] {
            let (clock, held) = (rt.clone(), gauge.clone());
            inner.step(name, move |_| {
                let (clock, held) = (clock.clone(), held.clone());
                async move {
                    let _entered = held.enter();
                    clock.sleep(ms(1)).await;
                    Ok(())
                }
            });
        }
        let graph = outer("outer", &outer("middle", &inner.build().unwrap()));
        let flow = Flow::new(&rt).with_max_concurrent(NonZeroUsize::new(2).unwrap());
        cut.apply(flow.run(&graph)).await;
        rt.sleep(Duration::from_nanos(1)).await;
        assert_eq!(gauge.now(), 0);
    });
}
