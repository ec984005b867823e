//! What is told of a run: to those who wait for its steps, and in its report.

use std::error::Error;
use std::future::pending;
use std::sync::Arc;

use fascine::flow::{
    Flow, Graph, GraphBuilder, GraphError, OnError, Output, Status, StepId, StepResult,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    handles_tell_of_their_steps_while_the_run_goes_on,
    a_run_whose_time_is_over_tells_how_far_it_came,
}

/// `quick`, then `fails`, then `after`; `endless` and `behind` it.
fn graph(rt: &Rt) -> Graph {
    let mut graph = GraphBuilder::new();
    let clock = rt.clone();
    let quick = graph.step("quick", move |_| {
        let clock = clock.clone();
        async move {
            clock.sleep(ms(5)).await;
            Ok(5)
        }
    });
    let quick = quick.id();
    let fails = graph.then("fails", quick, |_, _| async { Err::<i32, _>("bad".into()) });
    let fails = fails.id();
    graph.then("after", fails, |_, _| async { Ok(()) });
    graph.step("endless", |_| pending::<StepResult<()>>());
    graph.step("behind", |_| async { Ok(()) });
    graph.edge("endless", "behind");
    graph.build().unwrap()
}

async fn handles_tell_of_their_steps_while_the_run_goes_on(rt: Rt, _: Arc<dyn Net>) {
    let mut run = Flow::new(&rt).start(&graph(&rt));
    assert!(run.handle("nobody").is_none());
    let mut handle = |name: &str| run.handle(name).unwrap();
    let (quick, fails, after) = (handle("quick"), handle("fails"), handle("after"));
    let (endless, behind, twice) = (handle("endless"), handle("behind"), handle("quick"));
    assert!(!quick.is_finished());
    let running = rt.spawn(run);
    let quick = quick.await;
    assert_eq!(quick.assert_completed().unwrap().json(), Some(5.into()));
    assert_eq!(twice.clone().await.json(), Some(5.into()));
    assert!(twice.is_finished());
    let error = fails.await.assert_completed().map(drop).unwrap_err();
    assert_eq!(
        (error.step.as_str(), error.status),
        ("fails", Status::Failed)
    );
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "step `fails` failed at attempt 1");
    assert_eq!(after.await.status, Status::Skipped);
    assert!(!endless.is_finished());
    // Dropping the run cancels it.
    drop(running);
    assert_eq!(endless.await.status, Status::Cancelled);
    assert_eq!(behind.await.status, Status::Aborted);
}

async fn a_run_whose_time_is_over_tells_how_far_it_came(rt: Rt, _: Arc<dyn Net>) {
    let flow = Flow::new(&rt).with_timeout(ms(50)).keep_all();
    let report = flow.run(&graph(&rt)).await;
    assert!(report.timed_out && !report.is_success());
    let status = |name| report.step(name).unwrap().status;
    assert_eq!(report.step("quick").unwrap().json(), Some(5.into()));
    assert_eq!(status("fails"), Status::Failed);
    assert_eq!(status("after"), Status::Skipped);
    assert_eq!(status("endless"), Status::Cancelled);
    assert_eq!(status("behind"), Status::Aborted);
    assert!(report.wall >= ms(50));
    let to_rerun: Vec<_> = report.to_rerun().map(|step| step.name.as_str()).collect();
    assert_eq!(to_rerun, ["fails", "after", "endless", "behind"]);
    let error = report.assert_completed().map(drop).unwrap_err();
    assert_eq!(error.step, "fails", "the failure is told before the rest");
}

#[test]
fn a_run_that_ends_in_time_is_not_timed_out() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        let value = graph.step("value", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(10)).await;
                Ok(1)
            }
        });
        let value = value.id();
        graph.step("not taken", |_| async { Ok(()) });
        graph.edge(value, "not taken").when(|_| false);
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).with_timeout(ms(11)).run(&graph).await;
        assert!(!report.timed_out);
        assert!(report.assert_completed().is_ok());
        assert_eq!((report.wall, report.to_rerun().count()), (ms(10), 0));
        let report = Flow::new(&rt).with_timeout(ms(9)).run(&graph).await;
        assert!(report.timed_out);
        assert_eq!(report.wall, ms(9));
    });
}

#[test]
fn handles_of_a_run_that_never_begins_come_to_an_end() {
    TestRuntime::run(|rt| async move {
        let mut run = Flow::new(&rt).start(&graph(&rt));
        let quick = run.handle("quick").unwrap();
        drop(run);
        let report = quick.await;
        assert_eq!((report.status, report.attempts), (Status::Aborted, 0));
        assert_eq!(report.name, "quick");
    });
}

#[test]
fn handles_come_to_an_end_wherever_the_run_is_dropped() {
    drop_after_every_poll(|rt, cut| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        let first = graph.step("first", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(1)).await;
                Ok(())
            }
        });
        let first = first.id();
        graph.then("second", first, |_, _| async { Ok(()) });
        let mut run = Flow::new(&rt).start(&graph.build().unwrap());
        let (first, second) = (run.handle("first").unwrap(), run.handle("second").unwrap());
        cut.apply(run).await;
        assert!(first.await.status.is_final() && second.await.status.is_final());
    });
}

#[test]
fn a_hundred_errors_are_listed_and_all_are_counted() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for number in 0..150_u64 {
            let clock = rt.clone();
            graph.step(number.to_string(), move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(1000 - number)).await;
                    Err::<(), _>("no".into())
                }
            });
        }
        let report = Flow::new(&rt)
            .unlimited()
            .run(&graph.build().unwrap())
            .await;
        assert_eq!((report.errors.len(), report.error_count), (100, 150));
        assert_eq!(report.errors[0].step(), "149", "in the order they happened");
        assert_eq!(report.with_status(Status::Failed).count(), 150);
    });
}

#[test]
fn types_that_do_not_fit_are_refused() {
    let mut other = GraphBuilder::new();
    let text: StepId<String> = other.step("text", |_| async { Ok(String::new()) }).id();
    let mut graph = GraphBuilder::new();
    graph.step("number", |_| async { Ok(1_u8) });
    graph.then("reader", text, |_, text| async move { Ok(text.len()) });
    match graph.build().unwrap_err() {
        GraphError::TypeMismatch {
            from,
            to,
            gives,
            wants,
        } => {
            assert_eq!((from.as_str(), to.as_str()), ("number", "reader"));
            assert_eq!(
                (gives.as_str(), wants.as_str()),
                ("u8", "alloc::string::String")
            );
        }
        other => panic!("{other}"),
    }
    let wrong = || OnError::Fallback(Output::new("text".to_owned()));
    let mut graph = GraphBuilder::new();
    graph
        .step("number", |_| async { Ok(1_u8) })
        .on_error(wrong());
    let error = graph.build().unwrap_err().to_string();
    assert_eq!(
        error,
        "step `number` gives `u8`, and its fallback `alloc::string::String`"
    );
}

#[test]
fn steps_that_nothing_leads_to_are_refused_once_it_is_known_where_to_begin() {
    let build = |entries: &[&str]| {
        let mut graph = GraphBuilder::new();
        for name in ["a", "b", "c", "d"] {
            graph.step(name, |_| async { Ok(()) });
        }
        graph.edge("a", "b");
        graph.edge("c", "d");
        for entry in entries {
            graph.entry(*entry);
        }
        graph.build().map(drop)
    };
    assert_eq!(build(&[]), Ok(()));
    assert_eq!(build(&["a", "c"]), Ok(()));
    let step = "c".to_owned();
    assert_eq!(build(&["a"]), Err(GraphError::Unreachable { step }));
    let unknown = build(&["e"]).unwrap_err().to_string();
    assert_eq!(unknown, "there is no step `e` to begin with");
}
