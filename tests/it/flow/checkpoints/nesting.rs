//! Graphs that steps run, in runs that are recorded.

use fascine::flow::{
    Checkpoint, Flow, Graph, GraphBuilder, MemoryCheckpoint, ResumeError, StepRecord,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::{Value, json};

use super::effects::{Effects, run_id};
use crate::durations::ms;

/// `outer/a` and `outer/b` before `outer/c`, three times; `after` adds up what they gave.
fn nested(rt: &Rt, effects: &Effects) -> Graph {
    let mut graph = GraphBuilder::new();
    let (clock, effects) = (rt.clone(), effects.clone());
    let outer = graph.step("out/er", move |context| {
        let (clock, effects) = (clock.clone(), effects.clone());
        async move {
            let mut sum = 0;
            for _ in 0..3 {
                let report = context.run(&inner(&clock, &effects)).await?;
                report.assert_completed()?;
                let last = report.step("c").and_then(|step| step.json());
                sum += last.and_then(|value| value.as_u64()).unwrap_or(0);
            }
            Ok(sum)
        }
    });
    let outer = outer.idempotent().id();
    graph.then("after", outer, |context, sum| async move {
        Ok(json!([*sum, context.state().get("log")]))
    });
    graph.build().unwrap()
}

fn inner(clock: &Rt, effects: &Effects) -> Graph {
    let mut graph = GraphBuilder::new();
    graph.reducer("log", |before, new| {
        let mut log = before
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        log.push(new);
        Value::Array(log)
    });
    let mut step = |name: &'static str, millis| {
        let (clock, effects) = (clock.clone(), effects.clone());
        let step = graph.step(name, move |context| {
            effects.add(&context.path());
            let clock = clock.clone();
            async move {
                clock.sleep(ms(millis)).await;
                context.update("log", &*context.path())?;
                Ok(1_u64)
            }
        });
        step.writes("log").id()
    };
    let both = (step("a", 10), step("b", 20));
    let (clock, effects) = (clock.clone(), effects.clone());
    graph.then("c", both, move |context, (a, b)| {
        effects.add(&context.path());
        let clock = clock.clone();
        async move {
            clock.sleep(ms(10)).await;
            Ok(*a + *b)
        }
    });
    graph.build().unwrap()
}

#[test]
fn steps_of_nested_graphs_are_done_once_over_all_runs() {
    TestRuntime::run(|rt| async move {
        for millis in (5..95).step_by(10) {
            let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
            let graph = nested(&rt, &effects);
            let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
            let run = rt.spawn(flow.start(&graph));
            rt.sleep(ms(millis)).await;
            drop(run);
            let journal = store.load(run_id("one")).await.unwrap();
            let resume = Flow::new(&rt).resume(store.clone(), run_id("one"));
            let error = resume.start(&graph).await.unwrap_err();
            let ResumeError::Undecided { steps } = error else {
                panic!("{millis}: {error}");
            };
            let started = journal.steps().into_iter();
            let started = started.filter(|(path, record)| {
                path != "out\\/er" && matches!(record, StepRecord::Started)
            });
            let mut started: Vec<_> = started.map(|(path, _)| path).collect();
            started.sort_unstable();
            assert_eq!(steps, started, "{millis}");
            let mut resume = Flow::new(&rt).resume(store, run_id("one"));
            for step in &steps {
                resume = resume.rerun(step);
            }
            let report = resume.start(&graph).await.unwrap().await;
            assert!(report.is_success());
            let [sum, log] =
                [0, 1].map(|place| report.step("after").unwrap().json().unwrap()[place].clone());
            assert_eq!(sum, 6);
            assert_eq!(log.as_array().unwrap().len(), 6, "{log}");
            for (path, times) in effects.all() {
                let wanted = 1 + u32::from(steps.contains(&path));
                assert_eq!(times, wanted, "{millis}: {path}");
            }
        }
    });
}

#[test]
fn what_ran_within_a_step_that_is_done_is_of_no_interest() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let mut graph = GraphBuilder::new();
        let (clock, seen) = (rt.clone(), effects.clone());
        let hasty = graph.step("hasty", move |context| {
            let (clock, seen) = (clock.clone(), seen.clone());
            async move {
                let inner = inner(&clock, &seen);
                let run = context.run(&inner);
                let late = clock.sleep(ms(5));
                futures_lite::future::or(async { drop(run.await) }, late).await;
                Ok(())
            }
        });
        let hasty = hasty.id();
        graph.then("last", hasty, |context, _| async move {
            context
                .name()
                .strip_prefix("x")
                .map(drop)
                .ok_or_else(|| "broken".into())
        });
        let graph = graph.build().unwrap();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph).await;
        let journal = store.load(run_id("one")).await.unwrap();
        assert!(matches!(
            journal.step("hasty/a"),
            StepRecord::OutcomeUnknown
        ));
        let resume = Flow::new(&rt).resume(store, run_id("one"));
        assert!(resume.start(&graph).await.is_ok());
    });
}

#[test]
fn nested_runs_dropped_anywhere_are_resumed() {
    drop_after_every_poll(|rt, cut| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = nested(&rt, &effects);
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        cut.apply(flow.run(&graph)).await;
        let Ok(journal) = store.load(run_id("one")).await else {
            return;
        };
        let mut resume = Flow::new(&rt).resume(store, run_id("one"));
        let mut again = Vec::new();
        for (path, record) in journal.steps() {
            if path != "out\\/er" && matches!(record, StepRecord::Started) {
                resume = resume.rerun(path.clone());
                again.push(path);
            }
        }
        let report = resume.start(&graph).await.unwrap().await;
        assert_eq!(report.step("after").unwrap().json().unwrap()[0], 6);
        for (path, times) in effects.all() {
            assert!(times <= 1 + u32::from(again.contains(&path)), "{path}");
        }
    });
}
