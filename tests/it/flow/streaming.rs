//! Runs as streams of their events.

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::flow::{Each, Flow, Graph, GraphBuilder, Status, StepResult};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::StreamExt;

use crate::durations::ms;
use crate::flow::gauge::Gauge;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_stream_tells_of_every_step_and_then_has_the_report,
}

/// So many items, each of which takes a millisecond.
fn items(rt: &Rt, gauge: &Gauge, count: u32) -> Graph {
    let (clock, gauge) = (rt.clone(), gauge.clone());
    let mut graph = GraphBuilder::new();
    let list = graph.step("list", move |_| async move {
        Ok((0..count).collect::<Vec<_>>())
    });
    let list = list.id();
    graph.map("map", list, Each::concurrent(), move |_, _| {
        let (clock, gauge) = (clock.clone(), gauge.clone());
        async move {
            let _entered = gauge.enter();
            clock.sleep(ms(1)).await;
            Ok(())
        }
    });
    graph.build().unwrap()
}

async fn a_stream_tells_of_every_step_and_then_has_the_report(rt: Rt, _: Arc<dyn Net>) {
    let graph = items(&rt, &Gauge::default(), 2);
    let mut stream = Flow::new(&rt)
        .with_max_concurrent(NonZeroUsize::MIN)
        .stream(&graph);
    let mut told = Vec::new();
    while let Some(event) = stream.next().await {
        if event.status.is_final() {
            told.push(event.step.to_string());
        }
    }
    assert_eq!(told, ["list", "map[0]", "map[1]", "map"]);
    assert_eq!(stream.missed(), 0);
    assert!(stream.report().unwrap().is_success());
    assert!(stream.next().await.is_none());
    assert!(stream.finish().await.is_success());
}

#[test]
fn events_come_as_they_happen() {
    TestRuntime::run_seeds(16, |rt| async move {
        let graph = items(&rt, &Gauge::default(), 3);
        let mut stream = Flow::new(&rt)
            .with_max_concurrent(NonZeroUsize::MIN)
            .stream(&graph);
        let begun = rt.now();
        while let Some(event) = stream.next().await {
            assert_eq!(rt.now() - begun, event.at);
        }
    });
}

#[test]
fn a_slow_reader_holds_nothing_up_and_misses_the_oldest() {
    TestRuntime::run_seeds(4, |rt| async move {
        let graph = items(&rt, &Gauge::default(), 1000);
        let mut stream = Flow::new(&rt).unlimited().stream(&graph);
        let first = stream.next().await.unwrap();
        assert_eq!((&*first.step, first.status), ("list", Status::Processing));
        rt.sleep(ms(50)).await;
        let rest: Vec<_> = (&mut stream).collect().await;
        // There are 2 * 1002 events.
        assert_eq!((rest.len(), stream.missed()), (1000, 1003));
        assert_eq!(stream.finish().await.critical_path.duration, ms(1));
    });
}

#[test]
fn whoever_has_seen_enough_finishes_the_run() {
    TestRuntime::run_seeds(16, |rt| async move {
        let graph = items(&rt, &Gauge::default(), 3);
        let mut stream = Flow::new(&rt).stream(&graph);
        assert!(stream.next().await.is_some() && stream.report().is_none());
        let report = stream.finish().await;
        assert!(report.is_success());
        assert_eq!(report.wall, ms(1));
        assert!(Flow::new(&rt).stream(&graph).finish().await.is_success());
    });
}

#[test]
fn a_cancelled_stream_ends_and_has_the_report() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step("endless", |_| pending::<StepResult<()>>());
        let mut stream = Flow::new(&rt).stream(&graph.build().unwrap());
        let canceller = stream.canceller();
        let mut last = None;
        while let Some(event) = stream.next().await {
            canceller.cancel();
            last = Some(event.status);
        }
        assert_eq!(last, Some(Status::Cancelled));
        assert_eq!(
            stream
                .report()
                .unwrap()
                .with_status(Status::Cancelled)
                .count(),
            1
        );
    });
}

#[test]
fn a_stream_that_is_dropped_cancels_its_run() {
    drop_after_every_poll(|rt, cut| async move {
        let gauge = Gauge::default();
        let graph = items(&rt, &gauge, 3);
        let mut stream = Flow::new(&rt).stream(&graph);
        let read = async {
            while stream.next().await.is_some() {}
            stream.finish().await
        };
        cut.apply(read).await;
        rt.sleep(Duration::from_nanos(1)).await;
        assert_eq!(gauge.now(), 0);
    });
}
