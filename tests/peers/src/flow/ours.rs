use std::sync::Arc;
use std::time::Duration;

use fascine_flow::{Flow, Graph, GraphBuilder, StepId};
use fascine_rt::Rt;
use tokio::runtime::Runtime;

use super::shape::Shape;
use super::stopwatch::{Timed, timed};

pub(crate) struct Ours {
    pub(crate) rt: Rt,
    pub(crate) runtime: Arc<Runtime>,
}

impl Ours {
    pub(crate) fn run(&self, shape: &Shape) -> Timed<'_> {
        self.run_by(Flow::new(&self.rt), shape)
    }

    pub(crate) fn sequential(&self, shape: &Shape) -> Timed<'_> {
        self.run_by(Flow::new(&self.rt).sequential(), shape)
    }

    pub(crate) fn unlimited(&self, shape: &Shape) -> Timed<'_> {
        self.run_by(Flow::new(&self.rt).unlimited(), shape)
    }

    fn run_by(&self, flow: Flow, shape: &Shape) -> Timed<'_> {
        let graph = graph(shape);
        Box::new(move || {
            let mut is_success = false;
            let took = timed(|| {
                let report = self.runtime.block_on(flow.run(&graph));
                is_success = report.is_success();
            });
            assert!(is_success, "a step did not run");
            took
        })
    }

    /// How long a random graph of uneven steps takes, and its critical path: every sleep as long as it really was.
    pub(crate) fn uneven(&self, seed: u64) -> (Duration, Duration) {
        let mut random = seed;
        let mut next = move || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            random >> 33
        };
        let mut builder = GraphBuilder::new();
        let mut ids: Vec<StepId<()>> = Vec::new();
        for number in 0..30 {
            let (clock, time) = (self.rt.clone(), Duration::from_millis(5 + next() % 46));
            let step = builder.step(number.to_string(), move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(time).await;
                    Ok(())
                }
            });
            ids.push(step.id());
            let mut before: Vec<_> = (0..number.min(2)).map(|_| next() % number).collect();
            before.dedup();
            for from in before {
                builder.edge(ids[from as usize], ids[number as usize]);
            }
        }
        let Ok(graph) = builder.build() else {
            return (Duration::ZERO, Duration::ZERO);
        };
        let flow = Flow::new(&self.rt).unlimited();
        let report = self.runtime.block_on(flow.run(&graph));
        (report.wall, report.critical_path.duration)
    }
}

/// The graph, of steps that do nothing.
pub(crate) fn graph(shape: &Shape) -> Graph {
    let mut graph = GraphBuilder::new();
    let steps =
        (0..shape.steps).map(|step| graph.step(step.to_string(), |_| async { Ok(()) }).id());
    let ids: Vec<_> = steps.collect();
    for (from, to) in &shape.edges {
        graph.edge(ids[*from as usize], ids[*to as usize]);
    }
    match graph.build() {
        Ok(graph) => graph,
        Err(error) => panic!("{error}"),
    }
}
