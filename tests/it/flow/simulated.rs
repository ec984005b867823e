//! Random graphs against a simulator that takes its time.

mod resumed;
mod watched;

use std::num::NonZeroUsize;
use std::time::Duration;

use fascine::flow::{Flow, GraphError, Join};
use fascine_testing::TestRuntime;

use super::simulator::Limits;
use super::sketch::{Condition, Features, Sketch};
use watched::Watched;

/// How many graphs to try: more if the environment says so, as it is worth a night once.
fn seeds(usual: u64) -> u64 {
    let times = std::env::var("FASCINE_TEST_TIMES").ok();
    let times = times.map(|times| times.parse::<u64>().unwrap());
    usual * times.unwrap_or(1)
}

/// How a run is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Cancelling,
    Dropping,
    Timeout,
}

/// Runs a sketch and compares all that is told of the run with what was expected. Returns how long it took.
fn check(sketch: &Sketch, limits: Limits, by: By, seed: u64) -> Duration {
    let expected = sketch.simulate(limits);
    let runtime = TestRuntime::with_seed(seed);
    let rt = runtime.rt();
    let graph = sketch.build(&rt).unwrap();
    let flow = Flow::new(&rt).keep_all();
    let flow = match NonZeroUsize::new(limits.places) {
        Some(places) if limits.places < usize::MAX => flow.with_max_concurrent(places),
        _ => flow.unlimited(),
    };
    let flow = match (limits.cut, by) {
        (Some(cut), By::Timeout) => flow.with_timeout(cut),
        _ => flow,
    };
    let watched = runtime.block_on(async {
        let run = flow.start(&graph);
        let (canceller, clock) = (run.canceller(), rt.clone());
        let Some(cut) = limits.cut else {
            return Watched::to_its_end(run, &graph).await;
        };
        match by {
            By::Cancelling => {
                let cancel = rt.spawn(async move {
                    clock.sleep(cut).await;
                    canceller.cancel();
                });
                let watched = Watched::to_its_end(run, &graph).await;
                drop(cancel);
                watched
            }
            By::Dropping => Watched::until(run, &graph, rt.sleep(cut)).await,
            By::Timeout => Watched::to_its_end(run, &graph).await,
        }
    });
    watched.check(&expected, sketch, seed);
    if let Some(report) = &watched.report {
        let timed_out = expected.was_cut && by == By::Timeout;
        assert_eq!(report.timed_out, timed_out, "seed {seed}");
    }
    expected.wall
}

#[test]
fn random_graphs_do_as_simulated_each_step_at_its_time() {
    for seed in 0..seeds(500) {
        // Not both: of two things at one moment that take no time, either may be first.
        let features = Features {
            panics: seed % 2 == 0,
            fatal: seed % 2 == 1,
            resources: false,
            depth: 0,
        };
        let sketch = Sketch::random(seed, features);
        check(&sketch, Limits::NONE, By::Cancelling, seed);
    }
}

#[test]
fn where_nothing_else_takes_time_a_run_takes_as_long_as_its_critical_path() {
    let features = Features {
        panics: true,
        fatal: false,
        resources: false,
        depth: 0,
    };
    for seed in 0..seeds(300) {
        let mut sketch = Sketch::random(seed, features);
        for edge in &mut sketch.edges {
            if let Condition::WhenAsync(live, _) = edge.condition {
                edge.condition = Condition::When(live);
            }
        }
        for step in &mut sketch.steps {
            if matches!(step.join, Join::AtLeast(_)) {
                step.join = Join::Any;
            }
        }
        let expected = sketch.simulate(Limits::NONE);
        assert_eq!(expected.critical_path, expected.wall, "seed {seed}");
        check(&sketch, Limits::NONE, By::Cancelling, seed);
    }
}

#[test]
fn with_few_places_the_order_of_starts_is_as_simulated() {
    let features = Features {
        panics: false,
        fatal: true,
        resources: true,
        depth: 0,
    };
    for seed in 0..seeds(500) {
        let sketch = Sketch::random(seed, features);
        let places = match seed % 5 {
            0 => usize::MAX,
            few => few as usize,
        };
        check(
            &sketch,
            Limits {
                places,
                ..Limits::NONE
            },
            By::Cancelling,
            seed,
        );
    }
}

#[test]
fn one_at_a_time_the_order_of_starts_is_as_simulated_whatever_panics() {
    for seed in 0..seeds(300) {
        let features = Features {
            panics: true,
            fatal: true,
            resources: true,
            depth: 0,
        };
        let sketch = Sketch::random(seed, features);
        let one = Limits {
            places: 1,
            ..Limits::NONE
        };
        check(&sketch, one, By::Cancelling, seed);
    }
}

#[test]
fn a_run_that_is_cut_off_at_any_moment_ends_every_step_at_once() {
    let mut cut_short = 0;
    for seed in 0..seeds(500) {
        let features = Features {
            panics: false,
            fatal: true,
            resources: true,
            depth: 0,
        };
        let sketch = Sketch::random(seed, features);
        let mut random = fastrand::Rng::with_seed(seed);
        let places = [1, 2, 3, usize::MAX][random.usize(0..4)];
        let whole = sketch
            .simulate(Limits {
                places,
                ..Limits::NONE
            })
            .wall;
        let cut = whole.mul_f64(random.f64()) + Duration::from_nanos(1);
        let by = [By::Cancelling, By::Dropping, By::Timeout][seed as usize % 3];
        let limits = Limits {
            places,
            cut: Some(cut),
            ..Limits::NONE
        };
        cut_short += u32::from(check(&sketch, limits, by, seed) == cut);
    }
    assert!(cut_short > 250, "only {cut_short}");
}

#[test]
fn graphs_within_graphs_do_as_simulated() {
    let mut random = fastrand::Rng::with_seed(7);
    for seed in 0..seeds(200) {
        let features = Features {
            panics: false,
            fatal: seed % 2 == 1,
            resources: false,
            depth: 2,
        };
        let sketch = Sketch::random(seed, features);
        check(&sketch, Limits::NONE, By::Cancelling, seed);
        let whole = sketch.simulate(Limits::NONE).wall;
        let cut = whole.mul_f64(random.f64()) + Duration::from_nanos(1);
        let by = [By::Cancelling, By::Dropping, By::Timeout][seed as usize % 3];
        let limits = Limits {
            cut: Some(cut),
            ..Limits::NONE
        };
        check(&sketch, limits, by, seed);
    }
}

#[test]
fn what_goes_round_in_a_circle_is_refused_and_nothing_else() {
    let (mut refused, mut built) = (0, 0);
    let runtime = TestRuntime::new();
    let rt = runtime.rt();
    for seed in 0..3000 {
        let features = Features {
            panics: true,
            fatal: true,
            resources: true,
            depth: 0,
        };
        let mut sketch = Sketch::random(seed, features);
        let mut random = fastrand::Rng::with_seed(seed);
        for edge in &mut sketch.edges {
            if random.u8(0..12) == 0 {
                std::mem::swap(&mut edge.from, &mut edge.to);
            }
        }
        match sketch.build(&rt) {
            Ok(_) => {
                assert!(!sketch.has_cycle(), "seed {seed}");
                built += 1;
            }
            Err(GraphError::Cycle { path }) => {
                assert!(sketch.has_cycle(), "seed {seed}: {path:?}");
                assert!(
                    path.len() > 1 && path.first() == path.last(),
                    "seed {seed}: {path:?}"
                );
                refused += 1;
            }
            // Turned round, it may wait for more than can come, or be there twice.
            Err(GraphError::ImpossibleJoin { .. } | GraphError::DuplicateEdge { .. }) => {}
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    assert!(refused > 300 && built > 300, "{refused} and {built}");
}
