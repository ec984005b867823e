//! Growth: items, graphs as steps, repetitions.

mod graphs;
mod items;
mod repeats;

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::Duration;

use fascine::flow::{
    Each, Flow, FlowReport, GraphBuilder, GrowthError, Repeat, Round, StepContext, StepError,
    StepId, StepResult,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::drop_after_every_poll;

use crate::durations::ms;
use crate::flow::gauge::Gauge;

pub(crate) fn at_once(rt: &Rt, places: usize) -> Flow {
    Flow::new(rt).with_max_concurrent(NonZeroUsize::new(places).unwrap())
}

/// A step that gives the times in milliseconds, with its graph.
pub(crate) fn times(times: &[u64]) -> (GraphBuilder, StepId<Vec<u64>>) {
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
pub(crate) fn sleeps(rt: &Rt) -> impl Fn(StepContext, u64) -> BoxFuture<StepResult<u64>> + use<> {
    let clock = rt.clone();
    move |_, time| {
        let clock = clock.clone();
        Box::pin(async move {
            clock.sleep(ms(time)).await;
            Ok(time)
        })
    }
}

pub(crate) fn growth_error(report: &FlowReport, path: &str) -> GrowthError {
    match report.step(path).unwrap().error.as_deref() {
        Some(StepError::Failed { source, .. }) => {
            source.downcast_ref::<GrowthError>().unwrap().clone()
        }
        other => panic!("{other:?}"),
    }
}

/// All causes of an error, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
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
                clock.sleep(ms(time)).await;
                Ok(())
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
