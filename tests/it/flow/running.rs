use std::future::{Ready, pending};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::flow::{
    Flow, FlowReport, Graph, GraphBuilder, Seen, SkipCause, Status, StepError, StepResult,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use serde_json::json;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    outputs_reach_the_steps_after_them,
    a_run_can_be_cancelled_from_elsewhere,
}

/// Steps that sleep, with the edges between them.
fn sleepers(rt: &Rt, steps: &[(&str, u64)], edges: &[(&str, &str)]) -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    for (name, time) in steps {
        let (clock, time) = (rt.clone(), ms(*time));
        graph.step(*name, move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(time).await;
                Ok(time.as_millis() as u64)
            }
        });
    }
    for (from, to) in edges {
        graph.edge(*from, *to);
    }
    graph
}

async fn outputs_reach_the_steps_after_them(rt: Rt, _: Arc<dyn Net>) {
    let mut graph = sleepers(&rt, &[("a", 3), ("b", 1)], &[("a", "sum"), ("b", "sum")]);
    graph.step("sum", |inputs| async move {
        let names: Vec<_> = inputs.inputs().map(|(name, _)| name.to_owned()).collect();
        let value = |name| inputs.input_json(name).and_then(|input| input.as_u64());
        let sum = value("a").unwrap_or(0) + value("b").unwrap_or(0);
        Ok(json!([names, sum, inputs.name()]))
    });
    let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
    let sum = report.step("sum").unwrap();
    assert_eq!(sum.json(), Some(json!([["a", "b"], 4, "sum"])));
    assert_eq!((sum.status, sum.attempts), (Status::Completed, 1));
    assert!(report.is_success());
}

async fn a_run_can_be_cancelled_from_elsewhere(rt: Rt, _: Arc<dyn Net>) {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let steps = [("done", 1), ("after", 1)];
    let mut graph = sleepers(&rt, &steps, &[("endless", "after")]);
    graph.step("endless", move |_| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<StepResult<()>>().await
        }
    });
    let graph = graph.build().unwrap();
    let mut run = Flow::new(&rt).start(&graph);
    let (mut events, canceller) = (run.events(), run.canceller());
    // Once one step is done and the other is running.
    let cancel = rt.spawn(async move {
        let (mut done, mut running) = (false, false);
        while let Some(event) = events.next().await {
            done |= &*event.step == "done" && event.status == Status::Completed;
            running |= &*event.step == "endless" && event.status == Status::Processing;
            if done && running {
                canceller.cancel();
                canceller.cancel();
            }
        }
    });
    let report = run.await;
    cancel.await.unwrap();
    let status = |name| report.step(name).unwrap().status;
    assert_eq!(status("done"), Status::Completed);
    assert_eq!(status("endless"), Status::Cancelled);
    assert_eq!(status("after"), Status::Aborted);
    assert!(!report.is_success());
    drop(graph);
    assert_eq!(
        Arc::strong_count(&alive),
        1,
        "the running step was not dropped"
    );
}

fn statuses(report: &FlowReport) -> Vec<(&str, Status)> {
    report
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.status))
        .collect()
}

#[test]
fn steps_start_the_moment_they_can_and_the_wall_is_the_critical_path() {
    TestRuntime::run_seeds(16, |rt| async move {
        // No levels: `f` waits for `a` alone, while `b` still runs.
        let graph = sleepers(
            &rt,
            &[
                ("a", 10),
                ("b", 50),
                ("c", 20),
                ("d", 5),
                ("e", 7),
                ("f", 30),
            ],
            &[("a", "c"), ("c", "d"), ("b", "e"), ("d", "e"), ("a", "f")],
        );
        let report = Flow::new(&rt)
            .unlimited()
            .run(&graph.build().unwrap())
            .await;
        let started = |name| report.step(name).unwrap().started.unwrap();
        assert_eq!(started("c"), ms(10));
        assert_eq!(started("d"), ms(30));
        assert_eq!(started("e"), ms(50));
        assert_eq!(started("f"), ms(10));
        assert_eq!(report.wall, ms(57));
        assert_eq!(report.critical_path.duration, ms(57));
        assert_eq!(report.critical_path.steps, ["b", "e"]);
    });
}

#[test]
fn no_more_steps_run_than_may_and_the_longest_chain_goes_first() {
    TestRuntime::run_seeds(8, |rt| async move {
        let steps = [("x", 10), ("y", 10), ("long", 10), ("longer", 10)];
        let graph = sleepers(&rt, &steps, &[("long", "longer")])
            .build()
            .unwrap();
        let flow = Flow::new(&rt);
        let report = flow
            .clone()
            .with_max_concurrent(NonZeroUsize::new(2).unwrap())
            .run(&graph)
            .await;
        assert_eq!(report.wall, ms(20));
        assert_eq!(report.step("long").unwrap().started, Some(ms(0)));
        assert_eq!(flow.sequential().run(&graph).await.wall, ms(40));
    });
    TestRuntime::run(|rt| async move {
        let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let steps: Vec<_> = names.iter().map(|name| (name.as_str(), 10)).collect();
        let graph = sleepers(&rt, &steps, &[]).build().unwrap();
        assert_eq!(
            Flow::new(&rt).run(&graph).await.wall,
            ms(40),
            "five at once"
        );
        assert_eq!(Flow::new(&rt).unlimited().run(&graph).await.wall, ms(10));
    });
    TestRuntime::run_seeds(4, |rt| async move {
        let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let steps: Vec<_> = names.iter().map(|name| (name.as_str(), 10)).collect();
        let graph = sleepers(&rt, &steps, &[]).build().unwrap();
        let report = Flow::new(&rt).unlimited().run(&graph).await;
        assert_eq!(report.wall, ms(10), "whoever waits is replaced at once");
        let limit = NonZeroUsize::new(250).unwrap();
        let limited = Flow::new(&rt).with_max_concurrent(limit);
        assert_eq!(limited.run(&graph).await.wall, ms(40), "250 at once");
    });
}

#[test]
fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    TestRuntime::run_seeds(8, |rt| async move {
        let mut graph = sleepers(
            &rt,
            &[
                ("fine", 5),
                ("after", 1),
                ("join", 1),
                ("last", 1),
                ("other", 20),
            ],
            &[
                ("fails", "after"),
                ("after", "last"),
                ("fails", "join"),
                ("fine", "join"),
                ("fine", "other"),
            ],
        );
        graph.step("fails", |context| async move {
            context.record_attempts(3);
            Err::<(), _>(std::io::Error::other("the disk is full").into())
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(
            statuses(&report),
            [
                ("fine", Status::Completed),
                ("after", Status::Skipped),
                ("join", Status::Skipped),
                ("last", Status::Skipped),
                ("other", Status::Completed),
                ("fails", Status::Failed),
            ]
        );
        let cause = Some(SkipCause::Dependency {
            step: "fails".into(),
        });
        for name in ["after", "join", "last"] {
            assert_eq!(report.step(name).unwrap().skip_cause, cause);
        }
        let failed = report.step("fails").unwrap();
        let error = failed.error.as_ref().unwrap();
        assert_eq!(error.to_string(), "step `fails` failed at attempt 3");
        let source = std::error::Error::source(error).unwrap();
        assert_eq!(source.to_string(), "the disk is full");
        assert!(!report.is_success());
    });
}

#[test]
fn a_panicking_step_fails_and_the_others_finish() {
    TestRuntime::run(|rt| async move {
        let mut graph = sleepers(&rt, &[("fine", 5)], &[]);
        graph.step("future", |_| async {
            panic!("in the future") as StepResult<()>
        });
        graph.step("call", |_| -> Ready<StepResult<()>> {
            panic!("in the call")
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        for (name, said) in [("future", "in the future"), ("call", "in the call")] {
            match report.step(name).unwrap().error.as_deref() {
                Some(StepError::Panicked { step, message }) => {
                    assert_eq!((step.as_str(), message.as_str()), (name, said));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(report.step("fine").unwrap().status, Status::Completed);
    });
}

#[test]
fn conditions_choose_and_what_is_not_chosen_is_no_failure() {
    TestRuntime::run_seeds(8, |rt| async move {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let mut graph = sleepers(
            &rt,
            &[
                ("score", 7),
                ("high", 1),
                ("low", 1),
                ("after high", 1),
                ("after both", 1),
            ],
            &[
                ("high", "after high"),
                ("high", "after both"),
                ("low", "after both"),
            ],
        );
        let high = |seen: &Seen| *seen.output::<u64>().unwrap() > 50;
        graph.edge("score", "high").when(high);
        graph.edge("score", "low").when(move |score| {
            counted.fetch_add(1, SeqCst);
            score.json().as_u64() <= Some(50)
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let status = |name| report.step(name).unwrap().status;
        assert_eq!(status("high"), Status::Skipped);
        assert_eq!(status("low"), Status::Completed);
        assert_eq!(status("after high"), Status::Skipped);
        assert_eq!(
            status("after both"),
            Status::Completed,
            "one live edge is enough"
        );
        assert_eq!(
            report.step("high").unwrap().skip_cause,
            Some(SkipCause::Condition)
        );
        assert!(report.is_success());
        assert_eq!(asked.load(SeqCst), 1, "a condition is asked once");
    });
}

#[test]
fn a_panicking_condition_fails_the_step_it_leads_to() {
    TestRuntime::run(|rt| async move {
        let mut graph = sleepers(&rt, &[("a", 1), ("b", 1), ("c", 1)], &[("b", "c")]);
        graph.edge("a", "b").when(|_| panic!("cannot decide"));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let b = report.step("b").unwrap();
        assert_eq!((b.status, b.attempts), (Status::Failed, 0));
        let error = b.error.as_ref().unwrap().to_string();
        assert!(
            error.contains("from `a` panicked: cannot decide"),
            "{error}"
        );
        assert_eq!(report.step("c").unwrap().status, Status::Skipped);
    });
}

#[test]
fn events_tell_the_story_and_nobody_has_to_listen() {
    TestRuntime::run(|rt| async move {
        let graph = sleepers(&rt, &[("a", 5), ("b", 7)], &[("a", "b")])
            .build()
            .unwrap();
        let mut run = Flow::new(&rt).start(&graph);
        let (mut events, _unread) = (run.events(), run.events());
        let told = async {
            let mut told = Vec::new();
            while let Some(event) = events.next().await {
                told.push((event.step.to_string(), event.status, event.at));
            }
            told
        };
        let (told, _) = future::zip(told, run).await;
        let event = |step: &str, status, at| (step.to_owned(), status, ms(at));
        assert_eq!(
            told,
            [
                event("a", Status::Processing, 0),
                event("a", Status::Completed, 5),
                event("b", Status::Processing, 5),
                event("b", Status::Completed, 12),
            ]
        );
    });
    TestRuntime::run(|rt| async move {
        let names: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let steps: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let graph = sleepers(&rt, &steps, &[]).build().unwrap();
        let mut run = Flow::new(&rt).start(&graph);
        let mut events = run.events();
        run.await;
        assert_eq!(events.missed(), 1000);
        assert!(events.next().await.is_some(), "the latest are kept");
        drop(graph);
    });
}

#[test]
fn a_run_that_is_dropped_ends_its_events_and_its_steps() {
    TestRuntime::run(|rt| async move {
        let graph = sleepers(&rt, &[("a", 5)], &[]).build().unwrap();
        let mut run = Flow::new(&rt).start(&graph);
        let mut events = run.events();
        assert!(future::poll_once(&mut run).await.is_none());
        rt.sleep(ms(1)).await;
        drop(run);
        assert_eq!(events.next().await.unwrap().status, Status::Processing);
        assert_eq!(events.next().await, None);
    });
}

#[test]
fn ten_runs_of_one_graph_at_once_do_not_mix() {
    TestRuntime::run_seeds(4, |rt| async move {
        let graph: Graph = sleepers(&rt, &[("a", 5), ("b", 7)], &[("a", "b")])
            .build()
            .unwrap();
        let runs: Vec<_> = (0..10)
            .map(|_| rt.spawn(Flow::new(&rt).start(&graph)))
            .collect();
        for run in runs {
            let report = run.await.unwrap();
            assert!(report.is_success());
            assert_eq!(report.wall, ms(12));
        }
    });
}

#[test]
fn cancelling_before_the_start_runs_nothing() {
    TestRuntime::run(|rt| async move {
        let graph = sleepers(&rt, &[("a", 5), ("b", 7)], &[("a", "b")])
            .build()
            .unwrap();
        let run = Flow::new(&rt).start(&graph);
        run.canceller().cancel();
        let report = run.await;
        assert_eq!(
            statuses(&report),
            [("a", Status::Aborted), ("b", Status::Aborted)]
        );
        assert_eq!(report.steps[0].attempts, 0);
    });
}

#[test]
fn dropping_a_run_at_any_poll_leaves_no_step_behind() {
    drop_after_every_poll(|rt, cut| async move {
        let steps = [("a", 5), ("b", 7), ("c", 3), ("d", 1)];
        let edges = [("a", "c"), ("b", "d"), ("c", "d")];
        let graph = sleepers(&rt, &steps, &edges).build().unwrap();
        cut.apply(Flow::new(&rt).start(&graph)).await;
    });
}
