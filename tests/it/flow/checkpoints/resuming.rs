//! Going on with a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fascine::flow::{
    Checkpoint, CheckpointError, Flow, Graph, GraphBuilder, Join, MemoryCheckpoint, OnError,
    Status, StepError, StepRecord,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::{Value, json};

use super::effects::{Effects, run_id};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_run_that_failed_is_resumed_where_it_failed,
}

/// `load` before `left` and `right`, both before `join`; `right` fails unless it is well.
fn diamond(effects: &Effects, is_well: &Arc<AtomicBool>) -> Graph {
    let mut graph = GraphBuilder::new();
    let seen = effects.clone();
    let load = graph.step("load", move |_| {
        seen.add("load");
        async { Ok(7_u32) }
    });
    let load = load.id();
    let seen = effects.clone();
    let left = graph.then("left", load, move |context, load| {
        seen.add("left");
        async move {
            context.update("left", *load)?;
            Ok(*load * 2)
        }
    });
    let left = left.writes("left").id();
    let (seen, is_well) = (effects.clone(), Arc::clone(is_well));
    let right = graph.then("right", load, move |_, load| {
        seen.add("right");
        let is_well = is_well.load(Ordering::Relaxed);
        async move {
            is_well
                .then_some(*load * 3)
                .ok_or_else(|| "not well".into())
        }
    });
    let right = right.id();
    let seen = effects.clone();
    graph.then("join", (left, right), move |context, (left, right)| {
        seen.add("join");
        async move { Ok(json!([*left, *right, context.state().get("left")])) }
    });
    graph.build().unwrap()
}

async fn a_run_that_failed_is_resumed_where_it_failed(rt: Rt, _: Arc<dyn Net>) {
    let (effects, is_well) = (Effects::default(), Arc::new(AtomicBool::new(false)));
    let graph = diamond(&effects, &is_well);
    let (store, run) = (MemoryCheckpoint::new(), run_id("first"));
    let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
    let report = flow.run(&graph).await;
    assert_eq!(report.step("join").unwrap().status, Status::Skipped);
    is_well.store(true, Ordering::Relaxed);
    let resume = Flow::new(&rt).keep_all().resume(store.clone(), run.clone());
    let report = resume.start(&graph).await.unwrap().await;
    assert!(report.is_success());
    let step = |name: &str| report.step(name).unwrap();
    assert_eq!(step("join").json(), Some(json!([14, 21, 7])));
    assert_eq!(step("left").json(), Some(json!(14)));
    assert!(step("left").was_recorded);
    assert!(!step("right").was_recorded);
    assert_eq!(report.state.get("left"), Some(&json!(7)));
    assert_eq!(effects.of("load"), 1);
    assert_eq!(effects.of("left"), 1);
    assert_eq!(effects.of("right"), 2);
    assert_eq!(effects.of("join"), 1);
    // There is nothing left to do.
    let again = Flow::new(&rt)
        .resume(store, run)
        .start(&graph)
        .await
        .unwrap()
        .await;
    assert!(again.is_success());
    assert_eq!(again.step("join").unwrap().json(), Some(json!([14, 21, 7])));
    assert_eq!(effects.of("join"), 1);
}

#[test]
fn a_failure_that_the_run_went_on_with_stays() {
    TestRuntime::run(|rt| async move {
        let effects = Effects::default();
        let is_well = Arc::new(AtomicBool::new(false));
        let mut graph = GraphBuilder::new();
        for (name, on_error) in [
            ("continued", OnError::Continue),
            (
                "replaced",
                OnError::Fallback(fascine::flow::Output::new(1_u32)),
            ),
            ("rescued", OnError::FallbackStep("rescuer".into())),
        ] {
            let seen = effects.clone();
            let step = graph.step(name, move |_| {
                seen.add(name);
                async { Err::<u32, _>("broken".into()) }
            });
            step.on_error(on_error);
            graph.edge(name, "last");
        }
        let seen = effects.clone();
        graph.step("rescuer", move |_| {
            seen.add("rescuer");
            async { Ok(2_u32) }
        });
        let (seen, well) = (effects.clone(), Arc::clone(&is_well));
        graph.step("last", move |context| {
            seen.add("last");
            let inputs = context.inputs();
            let inputs = inputs.map(|(name, input)| {
                (
                    name.to_owned(),
                    match input {
                        Ok(output) => output.to_json().unwrap(),
                        Err(error) => json!(error.to_string()),
                    },
                )
            });
            let inputs: serde_json::Map<_, _> = inputs.collect();
            let is_well = well.load(Ordering::Relaxed);
            async move {
                is_well
                    .then_some(Value::Object(inputs))
                    .ok_or_else(|| "not well".into())
            }
        });
        let graph = graph.build().unwrap();
        let (store, run) = (MemoryCheckpoint::new(), run_id("one"));
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
        assert_eq!(flow.run(&graph).await.error_count, 4);
        is_well.store(true, Ordering::Relaxed);
        let report = Flow::new(&rt)
            .resume(store, run)
            .start(&graph)
            .await
            .unwrap()
            .await;
        assert_eq!(report.error_count, 3);
        assert_eq!(
            report.step("last").unwrap().json(),
            Some(json!({
                "continued": "step `continued` failed at attempt 1",
                "replaced": 1,
                "rescued": 2,
            }))
        );
        assert_eq!(effects.of("last"), 2);
        for name in ["continued", "replaced", "rescued", "rescuer"] {
            assert_eq!(effects.of(name), 1, "{name}");
        }
        let error = report.step("rescued").unwrap().error.clone().unwrap();
        assert_eq!(
            std::error::Error::source(&*error).unwrap().to_string(),
            "broken"
        );
    });
}

#[test]
fn conditions_are_asked_once_over_all_runs() {
    TestRuntime::run(|rt| async move {
        let (effects, is_well) = (Effects::default(), Arc::new(AtomicBool::new(false)));
        let mut graph = GraphBuilder::new();
        graph.step("route", |_| async { Ok(1) });
        for name in ["taken", "not taken"] {
            let (seen, well) = (effects.clone(), Arc::clone(&is_well));
            graph.step(name, move |_| {
                seen.add(name);
                let is_well = well.load(Ordering::Relaxed);
                async move { is_well.then_some(()).ok_or_else(|| "not well".into()) }
            });
        }
        let seen = effects.clone();
        graph.edge("route", "taken").when(move |_| {
            seen.add("condition");
            // The second time it would say no.
            seen.of("condition") == 1
        });
        graph.edge("route", "not taken").otherwise();
        let graph = graph.build().unwrap();
        let (store, run) = (MemoryCheckpoint::new(), run_id("one"));
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
        assert!(!flow.run(&graph).await.is_success());
        is_well.store(true, Ordering::Relaxed);
        let report = Flow::new(&rt)
            .resume(store, run)
            .start(&graph)
            .await
            .unwrap()
            .await;
        assert!(report.is_success());
        assert_eq!(report.step("not taken").unwrap().status, Status::Skipped);
        assert_eq!(effects.of("condition"), 1);
        assert_eq!(effects.of("taken"), 2);
    });
}

#[test]
fn what_steps_share_is_made_of_what_is_done() {
    TestRuntime::run(|rt| async move {
        let is_well = Arc::new(AtomicBool::new(false));
        let mut graph = GraphBuilder::new();
        graph.reducer("log", |before, new| {
            let mut log = before
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            log.push(new);
            Value::Array(log)
        });
        for name in ["first", "second"] {
            let well = Arc::clone(&is_well);
            let step = graph.step(name, move |context| {
                let is_well = well.load(Ordering::Relaxed) || context.name() == "first";
                async move {
                    context.update("log", context.name())?;
                    is_well.then_some(()).ok_or_else(|| "not well".into())
                }
            });
            step.writes("log");
        }
        graph.edge("first", "second");
        let graph = graph.build().unwrap();
        let begin = fascine::flow::Snapshot::new([("log", json!(["begin"]))]);
        let (store, run) = (MemoryCheckpoint::new(), run_id("one"));
        let flow = Flow::new(&rt).with_state(begin);
        let flow = flow.with_checkpoint(store.clone(), run.clone());
        assert!(!flow.run(&graph).await.is_success());
        is_well.store(true, Ordering::Relaxed);
        // What the failed step wrote is not there twice.
        for _ in 0..2 {
            let resume = Flow::new(&rt).resume(store.clone(), run.clone());
            let report = resume.start(&graph).await.unwrap().await;
            assert_eq!(
                report.state.get("log"),
                Some(&json!(["begin", "first", "second"]))
            );
        }
    });
}

#[test]
fn a_step_that_ran_in_spite_of_a_failure_keeps_its_result() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = |is_well: bool| {
            let mut graph = GraphBuilder::new();
            let seen = effects.clone();
            graph.step("work", move |_| {
                seen.add("work");
                async move { is_well.then_some(()).ok_or_else(|| "not well".into()) }
            });
            let seen = effects.clone();
            let clean = graph.step("clean", move |_| {
                seen.add("clean");
                async { Ok(()) }
            });
            clean.join(Join::Always);
            graph.edge("work", "clean");
            graph.build().unwrap()
        };
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph(false)).await;
        let resume = Flow::new(&rt).resume(store, run_id("one"));
        assert!(resume.start(&graph(true)).await.unwrap().await.is_success());
        assert_eq!((effects.of("work"), effects.of("clean")), (2, 1));
    });
}

#[test]
fn a_run_dropped_anywhere_is_resumed_and_does_nothing_twice() {
    drop_after_every_poll(|rt, cut| async move {
        let (effects, is_well) = (Effects::default(), Arc::new(AtomicBool::new(true)));
        let graph = diamond(&effects, &is_well);
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        cut.apply(flow.run(&graph)).await;
        let mut resume = Flow::new(&rt).resume(store.clone(), run_id("one"));
        let Ok(journal) = store.load(run_id("one")).await else {
            assert_eq!(effects.all().len(), 0);
            return;
        };
        for (step, record) in journal.steps() {
            if !matches!(record, StepRecord::Done(_)) {
                let value = match step.as_str() {
                    "load" => json!(7),
                    "left" => json!(14),
                    "right" => json!(21),
                    _ => json!([14, 21, 7]),
                };
                resume = resume.assume_done(step, value);
            }
        }
        let report = resume.start(&graph).await.unwrap().await;
        assert!(report.is_success());
        for (step, times) in effects.all() {
            assert_eq!(times, 1, "{step}");
        }
    });
}

#[test]
fn resuming_can_be_dropped_anywhere() {
    drop_after_every_poll(|rt, cut| async move {
        let (effects, is_well) = (Effects::default(), Arc::new(AtomicBool::new(false)));
        let graph = diamond(&effects, &is_well);
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        is_well.store(true, Ordering::Relaxed);
        let resume = || Flow::new(&rt).resume(store.clone(), run_id("one"));
        cut.apply(resume().start(&graph)).await;
        assert_eq!(effects.of("right"), 1);
        let report = resume().start(&graph).await.unwrap().await;
        assert!(report.is_success());
        assert_eq!(effects.of("right"), 2);
    });
}

#[test]
fn an_output_that_is_no_json_stops_the_run_and_is_named() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step("odd", |_| async {
            Ok(std::collections::BTreeMap::from([(vec![1], 2)]))
        });
        graph.step("behind", |_| async { Ok(()) });
        graph.edge("odd", "behind");
        let flow = Flow::new(&rt).with_checkpoint(MemoryCheckpoint::new(), run_id("one"));
        let report = flow.run(&graph.build().unwrap()).await;
        let error = report.checkpoint_error.as_deref();
        assert!(matches!(error, Some(CheckpointError::Encode { step, .. }) if step == "odd"));
        assert_eq!(report.step("odd").unwrap().status, Status::Completed);
        assert_eq!(report.step("behind").unwrap().status, Status::Aborted);
    });
}

#[test]
fn failures_are_recorded_with_their_causes_and_can_stay() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let mut graph = GraphBuilder::new();
        let seen = effects.clone();
        graph.step("read", move |_| {
            seen.add("read");
            async {
                let cause = std::io::Error::other("the disk is gone");
                Err::<(), _>(Box::new(StepError::Failed {
                    step: "inner".into(),
                    attempts: 3,
                    source: Arc::new(cause),
                })
                    as Box<dyn std::error::Error + Send + Sync>)
            }
        });
        let seen = effects.clone();
        graph.step("panic", move |_| {
            seen.add("panic");
            async { if true { panic!("odd") } else { Ok(()) } }
        });
        let graph = graph.build().unwrap();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        let resume = Flow::new(&rt)
            .resume(store.clone(), run_id("one"))
            .keep_failures();
        let report = resume.start(&graph).await.unwrap().await;
        assert_eq!((effects.of("read"), effects.of("panic")), (1, 1));
        let error = report.step("read").unwrap().error.clone().unwrap();
        let mut texts = vec![error.to_string()];
        let mut next = std::error::Error::source(&*error);
        while let Some(error) = next {
            texts.push(error.to_string());
            next = error.source();
        }
        let wanted = [
            "step `read` failed at attempt 1",
            "step `inner` failed at attempt 3",
            "the disk is gone",
        ];
        assert_eq!(texts, wanted);
        let error = report.step("panic").unwrap().error.clone().unwrap();
        assert!(matches!(&*error, StepError::Panicked { message, .. } if message == "odd"));
    });
}
