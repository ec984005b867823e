//! Random graphs whose runs are dropped at random moments, and gone on with.

use std::collections::BTreeSet;
use std::time::Duration;

use fascine::flow::{
    Checkpoint, Flow, FlowReport, FlowRun, Graph, MemoryCheckpoint, ResumeError, RunId, Status,
    StepRecord,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;

use super::seeds;
use crate::flow::simulator::Limits;
use crate::flow::sketch::{Calls, Condition, Features, Gave, Sketch};

/// A graph of which the outcome does not depend on when things happen.
fn timeless(seed: u64) -> Sketch {
    let features = Features {
        panics: false,
        fatal: false,
        resources: true,
        depth: 0,
    };
    let mut sketch = Sketch::random(seed, features);
    // What came of a step that took too long is not known either.
    sketch.steps.iter_mut().for_each(|step| step.timeout = None);
    for edge in &mut sketch.edges {
        if let Condition::WhenCompleted(step) = edge.condition {
            edge.condition = Condition::When(step % 2 == 0);
        }
    }
    sketch
}

async fn until(rt: &Rt, run: FlowRun, end: Duration) -> Option<FlowReport> {
    let cut = async {
        rt.sleep(end).await;
        None
    };
    future::or(async { Some(run.await) }, cut).await
}

struct Resuming<'a> {
    rt: &'a Rt,
    graph: &'a Graph,
    store: MemoryCheckpoint,
    run: RunId,
}

impl Resuming<'_> {
    /// The steps of the journal that are done or failed, and those of which nobody knows.
    async fn recorded(&self) -> [BTreeSet<usize>; 2] {
        let journal = self.store.load(self.run.clone()).await.unwrap();
        let mut sorted = [BTreeSet::new(), BTreeSet::new()];
        for (path, record) in journal.steps() {
            let place = match record {
                StepRecord::Done(_) => 0,
                StepRecord::OutcomeUnknown | StepRecord::Started => 1,
                _ => continue,
            };
            sorted[place].insert(path.parse().unwrap());
        }
        sorted
    }

    /// Goes on, and says that the steps are to run again of which nobody knows, if it is asked.
    async fn resume(&self, unknown: &BTreeSet<usize>, sketch: &Sketch) -> FlowRun {
        let flow = Flow::new(self.rt).unlimited().keep_all();
        let again = || {
            flow.resume(self.store.clone(), self.run.clone())
                .keep_failures()
        };
        let is_asked = |step: &&usize| !sketch.steps[**step].is_idempotent;
        let asked: BTreeSet<usize> = unknown.iter().filter(is_asked).copied().collect();
        let mut resume = again();
        if !asked.is_empty() {
            match resume.start(self.graph).await {
                Err(ResumeError::Undecided { steps, .. }) => {
                    let steps = steps.iter().map(|step| step.parse().unwrap());
                    assert_eq!(steps.collect::<BTreeSet<usize>>(), asked);
                }
                other => panic!("{other:?}"),
            }
            resume = again();
        }
        for step in asked {
            resume = resume.rerun(step.to_string());
        }
        resume.start(self.graph).await.unwrap()
    }
}

#[test]
fn a_run_that_is_dropped_at_any_moment_ends_as_if_nothing_had_been() {
    let mut dropped = 0;
    for seed in 0..seeds(200) {
        let mut random = fastrand::Rng::with_seed(seed);
        let sketch = timeless(seed);
        let expected = sketch.simulate(Limits::NONE);
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        let calls = Calls::default();
        let graph = sketch.build_with(&rt, &calls).unwrap();
        runtime.block_on(async {
            let resuming = Resuming {
                rt: &rt,
                graph: &graph,
                store: MemoryCheckpoint::new(),
                run: RunId::new("run").unwrap(),
            };
            let flow = Flow::new(&rt).unlimited().keep_all();
            let flow = flow.with_checkpoint(resuming.store.clone(), resuming.run.clone());
            let mut run = flow.start(&graph);
            let mut known = BTreeSet::new();
            let mut cuts = random.u32(1..4);
            let report = loop {
                // In the end it is let alone.
                let end = match cuts {
                    0 => expected.wall * 100,
                    _ => expected.wall.mul_f64(random.f64()) + Duration::from_nanos(1),
                };
                cuts = cuts.saturating_sub(1);
                let report = until(&rt, run, end).await;
                let again = calls.take();
                assert!(
                    again.is_disjoint(&known),
                    "seed {seed}: {again:?} of {known:?}"
                );
                if let Some(report) = report {
                    break report;
                }
                dropped += 1;
                let [done, unknown] = resuming.recorded().await;
                assert!(done.is_superset(&known), "seed {seed}");
                known = done;
                run = resuming.resume(&unknown, &sketch).await;
            };
            for (step, ended) in report.steps.iter().zip(&expected.steps) {
                let of = format!("seed {seed}: {step:?}, not {ended:?}");
                assert_eq!(step.status, ended.status, "{of}");
                assert_eq!(step.attempts, ended.attempts, "{of}");
                if step.status == Status::Completed {
                    let gave: Gave = serde_json::from_value(step.json().unwrap()).unwrap();
                    assert_eq!(gave.by.to_string(), step.name, "{of}");
                }
            }
        });
    }
    assert!(dropped > 100, "only {dropped}");
}
