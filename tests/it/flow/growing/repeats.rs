use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use fascine::flow::{Flow, GraphBuilder, GraphError, GrowthError, Repeat, Round, Status};
use fascine::http::Net;
use fascine::resilience::Retry;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::json;

use crate::durations::ms;
use crate::flow::growing::growth_error;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_step_is_repeated_until_it_is_done,
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
