use super::ours::Ours;
use super::shape::Shape;
use super::stopwatch::median;
use crate::cpu::cpu;
use crate::harness::Options;

/// Processor time a step, of runners in Python: each was measured once, on another machine with two cores. They ran on
/// Python 3.11.7, in a process of its own for every repetition; the medians of five, repetitions of all interleaved.
const RECORDED: [(&str, &str, Form, f64); 9] = [
    (
        "flow/python/langgraph/chain",
        "LangGraph 1.2.22",
        Form::Chain(1000),
        520_900.0,
    ),
    (
        "flow/python/langgraph/fanout",
        "LangGraph 1.2.22",
        Form::FanOut(1000),
        403_200.0,
    ),
    (
        "flow/python/linus/chain",
        "linus",
        Form::Chain(900),
        138_200.0,
    ),
    (
        "flow/python/linus/fanout",
        "linus",
        Form::FanOut(900),
        188_800.0,
    ),
    (
        "flow/python/lionagi/chain",
        "lionagi 0.36.0",
        Form::Chain(1000),
        1_433_600.0,
    ),
    (
        "flow/python/lionagi/fanout",
        "lionagi 0.36.0",
        Form::FanOut(1000),
        1_430_000.0,
    ),
    (
        "flow/python/lionagi/layers",
        "lionagi 0.36.0",
        Form::Layers,
        1_423_000.0,
    ),
    (
        "flow/python/pydantic-graph/chain",
        "pydantic-graph 2.68.0",
        Form::Chain(1000),
        160_600.0,
    ),
    (
        "flow/python/pydantic-graph/fanout",
        "pydantic-graph 2.68.0",
        Form::FanOut(1000),
        224_000.0,
    ),
];

/// A chain of 1,000 is too deep for linus, so it has 900.
#[derive(Clone, Copy)]
enum Form {
    Chain(u32),
    FanOut(u32),
    /// Thirty of thirty, each step waiting for two.
    Layers,
}

/// Ours is processor time too, of all threads: on two of them, the clock on the wall would flatter us.
pub(crate) fn run(options: &Options, ours: &Ours) {
    let rounds = if options.is_quick() { 9 } else { 51 };
    for (name, peer, form, theirs) in RECORDED {
        if !options.wants(name) {
            continue;
        }
        let shape = form.shape();
        let mut run = ours.run(&shape);
        let mut times = Vec::new();
        for round in 0..=rounds {
            let before = cpu();
            run();
            let took = cpu().saturating_sub(before).as_nanos() as f64;
            // The first is to warm up.
            if round > 0 {
                times.push(took / f64::from(shape.steps));
            }
        }
        options.report(
            name,
            "ns",
            median(times),
            theirs,
            &format!("{peer}, as recorded"),
        );
    }
}

impl Form {
    fn shape(self) -> Shape {
        match self {
            Self::Chain(steps) => Shape::chain(steps),
            Self::FanOut(steps) => Shape::fan_out(steps),
            Self::Layers => Shape::layers(30, 30),
        }
    }
}
