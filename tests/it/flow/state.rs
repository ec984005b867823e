//! What the steps of a run share.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use fascine::flow::{
    Flow, Graph, GraphBuilder, GraphError, Snapshot, StateError, Status, StepContext,
};
use fascine::http::Net;
use fascine::resilience::Retry;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_reducer_keeps_what_many_steps_write_at_once,
}

async fn a_reducer_keeps_what_many_steps_write_at_once(rt: Rt, _: Arc<dyn Net>) {
    let mut graph = GraphBuilder::new();
    graph.reducer("sum", |before, new| {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        json!(before.map_or(0, number) + number(&new))
    });
    for number in 1..=100_u64 {
        graph
            .step(number.to_string(), move |context| async move {
                for _ in 0..10 {
                    context.update("sum", number)?;
                }
                Ok(())
            })
            .writes("sum");
    }
    let graph = graph.build().unwrap();
    let flow = Flow::new(&rt).unlimited();
    // Runs at once share nothing.
    let other = rt.spawn(flow.start(&graph));
    let report = flow.run(&graph).await;
    let other = other.await.unwrap();
    for report in [report, other] {
        assert!(report.is_success());
        assert_eq!(report.state.get("sum"), Some(&json!(50_500)));
        assert_eq!(report.state.version(), 1000);
    }
}

/// Counts from what is there, to three.
fn counting(rt: &Rt) -> Graph {
    let mut graph = GraphBuilder::new();
    for number in 1..=3 {
        let clock = rt.clone();
        graph
            .step(format!("count {number}"), move |context| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(10)).await;
                    let before = context.state();
                    let count = before.get("count").and_then(Value::as_u64).unwrap_or(0);
                    let after = context.update("count", count + 1)?;
                    assert_eq!(before.get("count"), Some(&json!(count)), "it changed");
                    assert_eq!(after.get("count"), Some(&json!(count + 1)));
                    Ok(())
                }
            })
            .writes("count");
        if number > 1 {
            graph.edge(format!("count {}", number - 1), format!("count {number}"));
        }
    }
    graph.reducer("count", |_, new| new);
    graph.build().unwrap()
}

#[test]
fn a_run_begins_with_what_it_is_given_and_can_be_changed_back() {
    TestRuntime::run(|rt| async move {
        let begin = Snapshot::new([("count", json!(5)), ("other", json!("kept"))]);
        let flow = Flow::new(&rt).with_state(begin.clone());
        let run = flow.start(&counting(&rt));
        let (state, clock) = (run.state(), rt.clone());
        let back = rt.spawn(async move {
            clock.sleep(ms(25)).await;
            let values: Vec<_> = state
                .history()
                .iter()
                .map(|s| s.get("count").cloned())
                .collect();
            assert_eq!(values, [5, 6, 7].map(|count| Some(json!(count))));
            let back = state.rollback(0).unwrap();
            assert_eq!((back.version(), back.get("count")), (3, Some(&json!(5))));
        });
        let report = run.await;
        back.await.unwrap();
        let values: Vec<_> = report.state.iter().collect();
        assert_eq!(values, [("count", &json!(6)), ("other", &json!("kept"))]);
        assert_eq!(begin.get("count"), Some(&json!(5)), "it is not touched");
    });
}

#[test]
fn the_history_is_bounded() {
    TestRuntime::run(|rt| async move {
        let flow = Flow::new(&rt).with_history(2.try_into().unwrap());
        let begin = Snapshot::new([("count", json!(0))]);
        let run = flow.with_state(begin).start(&counting(&rt));
        let state = run.state();
        assert!(run.await.is_success());
        let versions: Vec<_> = state.history().iter().map(Snapshot::version).collect();
        assert_eq!(versions, [2, 3]);
        let gone = state.rollback(1).unwrap_err();
        assert!(matches!(gone, StateError::UnknownVersion { version: 1 }));
        assert_eq!(
            gone.to_string(),
            "version 1 of the shared state is not kept"
        );
    });
}

#[test]
fn writing_what_was_not_declared_is_an_error() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph
            .step("writer", |context| async move {
                context.update("declared", 1)?;
                context.update("other", 2)?;
                Ok(())
            })
            .writes("declared");
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let writer = report.step("writer").unwrap();
        assert_eq!(writer.status, Status::Failed);
        let error = std::error::Error::source(writer.error.as_ref().unwrap()).unwrap();
        let said = "step `writer` writes `other` without having declared it";
        assert_eq!(error.to_string(), said);
        assert_eq!(report.state.get("other"), None);
    });
    let mut graph = GraphBuilder::new();
    for name in ["a", "b"] {
        graph.step(name, |_| async { Ok(()) }).writes("key");
    }
    let error = graph.build().unwrap_err();
    let expected = GraphError::SharedKey {
        key: "key".into(),
        steps: ["a".into(), "b".into()],
    };
    assert_eq!(error, expected);
}

#[test]
fn conditions_see_what_is_shared() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let writer = graph
            .step("writer", |context| async move {
                context.update("mood", "good")?;
                Ok(())
            })
            .writes("mood")
            .id();
        for mood in ["good", "bad"] {
            graph.step(mood, |_| async { Ok(()) });
            graph
                .edge(writer, mood)
                .when(move |seen| seen.state.get("mood") == Some(&json!(mood)));
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("good").unwrap().status, Status::Completed);
        assert_eq!(report.step("bad").unwrap().status, Status::Skipped);
    });
}

#[test]
fn what_a_step_changes_is_there_once_it_has_completed() {
    TestRuntime::run_seeds(16, |rt| async move {
        let clock = rt.clone();
        let mut graph = GraphBuilder::new();
        let writer = graph.step("writer", move |context| {
            let clock = clock.clone();
            async move {
                context.update("one", 1)?;
                assert_eq!(
                    context.state().get("one"),
                    Some(&json!(1)),
                    "it sees its own"
                );
                clock.sleep(ms(10)).await;
                context.update("two", 2)?;
                clock.sleep(ms(10)).await;
                Ok(())
            }
        });
        let _ = writer.writes("one").writes("two");
        let clock = rt.clone();
        graph.step("reader", move |context| {
            let clock = clock.clone();
            async move {
                let mut seen = Vec::new();
                for _ in 0..5 {
                    clock.sleep(ms(7)).await;
                    let state = context.state();
                    seen.push(
                        state
                            .iter()
                            .map(|(key, _)| key.to_owned())
                            .collect::<Vec<_>>(),
                    );
                }
                Ok(seen)
            }
        });
        graph.step("asked", |_| async { Ok(()) });
        let edge = graph.edge("writer", "asked");
        edge.when(|seen| seen.state.get("two").is_some());
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        // At 7, 14, 21, 28 and 35 milliseconds.
        let all = ["one", "two"];
        assert_eq!(
            report.step("reader").unwrap().json(),
            Some(json!([[], [], all, all, all]))
        );
        assert_eq!(report.step("asked").unwrap().status, Status::Completed);
    });
}

#[test]
fn a_try_that_fails_leaves_nothing_behind() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.reducer("tries", |before, new| {
            let number = |value: &Value| value.as_u64().unwrap_or(0);
            json!(before.map_or(0, number) + number(&new))
        });
        let retry = Retry::new(&rt).with_attempts(NonZeroU32::new(4).unwrap());
        for (name, good_try) in [("good", 4), ("bad", 9)] {
            let step = graph.step(name, move |context| async move {
                let state = context.update("tries", 1)?;
                assert_eq!(state.get("tries"), context.state().get("tries"));
                match context.attempt() {
                    1 => panic!("the first"),
                    2 => std::future::pending().await,
                    attempt if attempt < good_try => Err("not yet".into()),
                    _ => Ok(()),
                }
            });
            // A panic is not tried again, so the first try is another one.
            let _ = step.writes("tries").timeout(ms(5)).retry(retry.clone());
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.with_status(Status::Failed).count(), 2);
        assert_eq!(report.state.get("tries"), None);
    });
}

#[test]
fn what_a_step_changes_and_takes_back_is_counted_once() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        let retry = Retry::new(&rt).with_attempts(NonZeroU32::new(4).unwrap());
        let step = graph.step("step", |context| async move {
            for number in 0..1000 {
                let state = context.update("count", number)?;
                assert_eq!(state.get("count"), Some(&json!(number)));
            }
            match context.attempt() {
                2 => std::future::pending().await,
                4 => Ok(()),
                _ => Err("not yet".into()),
            }
        });
        let _ = step.writes("count").timeout(ms(5)).retry(retry);
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert!(report.is_success());
        assert_eq!(report.state.get("count"), Some(&json!(999)));
        assert_eq!(report.state.version(), 1000);
    });
}

#[test]
fn a_cancelled_step_leaves_nothing_behind_and_changes_nothing_later() {
    TestRuntime::run_seeds(16, |rt| async move {
        let kept: Arc<Mutex<Vec<StepContext>>> = Arc::default();
        let mut graph = GraphBuilder::new();
        for name in ["quick", "endless"] {
            let keep = Arc::clone(&kept);
            let step = graph.step(name, move |context| {
                keep.lock().unwrap().push(context.clone());
                async move {
                    context.update(context.name(), 1)?;
                    if context.name() == "endless" {
                        std::future::pending::<()>().await;
                    }
                    Ok(())
                }
            });
            let _ = step.writes(name);
        }
        let report = Flow::new(&rt)
            .with_timeout(ms(1))
            .run(&graph.build().unwrap())
            .await;
        let keys: Vec<_> = report.state.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["quick"]);
        let contexts = std::mem::take(&mut *kept.lock().unwrap());
        let quick = contexts
            .iter()
            .find(|context| context.name() == "quick")
            .unwrap();
        let error = quick.update("quick", 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "step `quick` has ended, and changes nothing more"
        );
    });
}

#[test]
fn a_reducer_that_panics_fails_the_step() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.reducer("key", |before, new| {
            assert!(before.is_none(), "there is one");
            new
        });
        let clock = rt.clone();
        for name in ["one", "two"] {
            let clock = clock.clone();
            let step = graph.step(name, move |context| {
                let clock = clock.clone();
                async move {
                    context.update("key", 1)?;
                    clock.sleep(ms(1)).await;
                    Ok(())
                }
            });
            let _ = step.writes("key");
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.errors.len(), 1);
        assert!(
            report.errors[0]
                .to_string()
                .ends_with("panicked: there is one")
        );
        assert_eq!(report.state.get("key"), Some(&json!(1)));
    });
}
