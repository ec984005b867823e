//! Outputs go when their last reader is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::flow::{Flow, FlowReport, GraphBuilder};
use fascine_testing::TestRuntime;
use serde::{Deserialize, Serialize};

/// A value that counts how many of its kind are alive.
#[derive(Serialize, Deserialize)]
struct Counted {
    value: u64,
    #[serde(skip)]
    alive: Arc<Alive>,
}

#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Counted {
    fn new(value: u64, alive: &Arc<Alive>) -> Self {
        let now = alive.now.fetch_add(1, SeqCst) + 1;
        alive.peak.fetch_max(now, SeqCst);
        Self {
            value,
            alive: Arc::clone(alive),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, SeqCst);
    }
}

/// Runs chains side by side; gives the report and how many outputs were alive at most, and are now.
fn chains(
    width: u64,
    length: u64,
    set: impl FnOnce(Flow) -> Flow + Send + 'static,
) -> (FlowReport, usize, usize) {
    TestRuntime::run(move |rt| async move {
        let alive = Arc::<Alive>::default();
        let mut graph = GraphBuilder::new();
        for chain in 0..width {
            let first = Arc::clone(&alive);
            let mut last = graph
                .step(format!("{chain}/0"), move |_| {
                    let made = Counted::new(0, &first);
                    async move { Ok(made) }
                })
                .id();
            for step in 1..length {
                let next = Arc::clone(&alive);
                last = graph
                    .then(format!("{chain}/{step}"), last, move |_, before| {
                        let made = Counted::new(before.value + 1, &next);
                        async move { Ok(made) }
                    })
                    .id();
            }
        }
        let flow = set(Flow::new(&rt).unlimited());
        let report = flow.run(&graph.build().unwrap()).await;
        assert!(report.is_success());
        let count = |counter: &AtomicUsize| counter.load(SeqCst);
        (report, count(&alive.peak), count(&alive.now))
    })
}

#[test]
fn a_long_chain_needs_no_more_memory_than_a_short_one() {
    for (width, length) in [(1, 10_000), (5, 1000)] {
        let (report, peak, now) = chains(width, length, |flow| flow);
        assert!(peak as u64 <= 2 * width, "{peak} outputs at once");
        assert_eq!(now as u64, width, "the leaves are kept");
        let last = report.step(&format!("0/{}", length - 1)).unwrap();
        assert_eq!(last.json().unwrap()["value"], length - 1);
        assert_eq!(report.step("0/0").unwrap().json(), None);
    }
}

#[test]
fn what_is_to_be_kept_is_kept_and_nothing_else() {
    let (report, peak, _) = chains(2, 10, Flow::keep_all);
    assert_eq!(peak, 20);
    assert!(report.steps.iter().all(|step| step.output.is_some()));
    let (report, ..) = chains(2, 10, |flow| flow.keep_only(["0/3", "1/9"]));
    let kept = report.steps.iter().filter(|step| step.output.is_some());
    let kept: Vec<_> = kept.map(|step| step.name.as_str()).collect();
    assert_eq!(kept, ["0/3", "1/9"]);
}
