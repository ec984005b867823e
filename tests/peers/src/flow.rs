//! Runners of graphs: what a step costs that does nothing, its dependencies really waited for.
//!
//! Graphs are put together outside the stopwatch, except where building is the figure.

mod adk;
mod build;
mod dagrs;
mod graph_flow;
mod ours;
mod python;
mod resume;
mod shape;
mod stopwatch;

use std::sync::Arc;
use std::time::Duration;

use fascine_rt::{Rt, Tokio};
use tokio::runtime::Runtime;

use crate::cpu::cpu;
use crate::harness::Options;
use ours::Ours;
use shape::Shape;
use stopwatch::{Timed, compare, timed};

pub(crate) fn run(options: &Options) {
    if !options.wants_some_of("flow/") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let Ok(runtime) = runtime.map(Arc::new) else {
        return;
    };
    let rt = Rt::new(Tokio::of(&runtime));
    let ours = Ours {
        rt,
        runtime: Arc::clone(&runtime),
    };
    for (name, shape) in [
        ("flow/chain/1000", Shape::chain(1000)),
        ("flow/fanout/1000", Shape::fan_out(1000)),
        ("flow/layers/30x30", Shape::layers(30, 30)),
    ] {
        if options.wants(name) {
            let peer = ("dagrs", dagrs::run(&runtime, &shape));
            compare(options, name, shape.steps, ours.run(&shape), vec![peer]);
        }
    }
    let chain = Shape::chain(1000);
    if options.wants("flow/adk/1000") {
        let peer = ("adk-graph", adk::chain(&runtime, chain.steps));
        compare(options, "flow/adk/1000", 1000, ours.run(&chain), vec![peer]);
    }
    if options.wants("flow/sequential/1000") {
        let peer = ("graph-flow", graph_flow::chain(&runtime, chain.steps));
        let ours = ours.sequential(&chain);
        compare(options, "flow/sequential/1000", 1000, ours, vec![peer]);
    }
    if options.wants("flow/spawn_floor/1000") {
        let ours = ours.unlimited(&Shape::fan_out(1000));
        let peers = vec![("tokio::spawn", bare(&runtime))];
        compare(options, "flow/spawn_floor/1000", 1000, ours, peers);
    }
    for (name, small, large) in [
        (
            "flow/scale",
            Shape::layers(10, 100),
            Shape::layers(1000, 1000),
        ),
        (
            "flow/scale/chain",
            Shape::chain(1000),
            Shape::chain(1_000_000),
        ),
        (
            "flow/scale/fanout",
            Shape::fan_out(1000),
            Shape::fan_out(1_000_000),
        ),
    ] {
        if options.wants(name) {
            scale(options, &ours, name, &small, &large);
        }
    }
    build::run(options);
    resume::run(options, &runtime, &ours.rt);
    critical_path(options, &ours);
    python::run(options, &ours);
}

/// Tasks of tokio alone, one joined after the other.
#[expect(clippy::disallowed_methods, reason = "the bare runtime is the peer")]
fn bare(runtime: &Arc<Runtime>) -> Timed<'_> {
    Box::new(|| {
        timed(|| {
            runtime.block_on(async {
                let tasks: Vec<_> = (0..1000).map(|n| tokio::spawn(async move { n })).collect();
                for task in tasks {
                    let _ = task.await;
                }
            });
        })
    })
}

/// What a step costs in a graph of a million, over what it costs in one of a thousand: in processor time of all threads.
/// On the wall, other programs would count: they get their turn in a second, but seldom in half a millisecond.
fn scale(options: &Options, ours: &Ours, name: &str, small: &Shape, large: &Shape) {
    let mut runs = [(large, ours.run(large), 1), (small, ours.run(small), 50)];
    let mut medians = [Vec::new(), Vec::new()];
    for round in 0..=5 {
        for ((shape, run, times), all) in runs.iter_mut().zip(&mut medians) {
            let before = cpu();
            for _ in 0..*times {
                run();
            }
            let took = cpu().saturating_sub(before).as_nanos() as f64;
            // The first is to warm up.
            if round > 0 {
                all.push(took / f64::from(shape.steps * *times));
            }
        }
    }
    let [large, small] = medians.map(stopwatch::median);
    options.report(name, "ns", large, small, "ours at 1,000");
}

/// The wall over the critical path, on the real clock.
fn critical_path(options: &Options, ours: &Ours) {
    if !options.wants("flow/critical_path") {
        return;
    }
    let mut ratios: Vec<_> = (0..9).map(|seed| ours.uneven(seed)).collect();
    ratios.sort_by(|(a, at), (b, bt)| {
        let ratio = |wall: &Duration, path: &Duration| wall.as_secs_f64() / path.as_secs_f64();
        ratio(a, at).total_cmp(&ratio(b, bt))
    });
    let (wall, path) = ratios[ratios.len() / 2];
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    options.report(
        "flow/critical_path",
        "ms",
        ms(wall),
        ms(path),
        "the critical path",
    );
}
