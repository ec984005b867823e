//! Random graphs against a simulator that takes its time.

use std::time::Duration;

use fascine::flow::{Flow, FlowReport, OnError, SkipCause, Status};
use fascine_testing::TestRuntime;

use super::sketch::{Expected, Sketch};
use crate::durations::ms;

fn check(report: &FlowReport, expected: &[Expected], seed: u64) {
    for (step, expected) in report.steps.iter().zip(expected) {
        let of = format!("seed {seed}, step {}", step.name);
        assert_eq!(step.status, expected.status, "{of}");
        if let Some(started) = step.started {
            assert_eq!(started, expected.start, "{of}");
            assert_eq!(started + step.elapsed, expected.end, "{of}");
        }
        assert_eq!(step.error.is_some(), step.status == Status::Failed, "{of}");
        let is_skipped = step.status == Status::Skipped;
        assert_eq!(step.skip_cause.is_some(), is_skipped, "{of}");
        let root = match &step.skip_cause {
            Some(SkipCause::Dependency { step }) => Some(step),
            _ => None,
        };
        assert_eq!(root.is_some(), expected.by_failure, "{of}");
        if let Some(root) = root {
            let root = report.step(root).unwrap();
            assert_eq!(root.status, Status::Failed, "{of}");
        }
    }
}

#[test]
fn random_graphs_end_as_simulated_each_step_at_its_time() {
    for seed in 0..1000 {
        let sketch = Sketch::random(&mut fastrand::Rng::with_seed(seed));
        let expected = sketch.simulate();
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        let report = runtime.block_on(Flow::new(&rt).unlimited().start(&sketch.build(&rt)));
        check(&report, &expected, seed);
        let last = expected.iter().map(|step| step.end).max();
        assert_eq!(Some(report.wall), last, "seed {seed}");
    }
}

#[test]
fn limits_change_when_steps_end_but_not_how() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sketch = Sketch::random(&mut random);
        let expected: Vec<_> = sketch.simulate().iter().map(|step| step.status).collect();
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        let limit = random.usize(1..4).try_into().unwrap();
        let run = Flow::new(&rt)
            .with_max_concurrent(limit)
            .start(&sketch.build(&rt));
        let report = runtime.block_on(run);
        let statuses: Vec<_> = report.steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, expected, "seed {seed}");
        let work: Duration = report.steps.iter().map(|step| step.elapsed).sum();
        if limit.get() == 1 {
            assert_eq!(report.wall, work, "seed {seed}");
        }
    }
}

#[test]
fn a_cancel_at_any_moment_ends_every_step_at_once() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sketch = Sketch::random(&mut random);
        let expected = sketch.simulate();
        let last = expected.iter().map(|step| step.end).max().unwrap();
        let at = ms(random.u64(0..3_000_000));
        TestRuntime::run(|rt| async move {
            let run = Flow::new(&rt).unlimited().start(&sketch.build(&rt));
            let (canceller, clock) = (run.canceller(), rt.clone());
            let cancel = rt.spawn(async move {
                clock.sleep(at).await;
                canceller.cancel();
            });
            let report = run.await;
            drop(cancel);
            assert_eq!(report.wall, at.min(last), "seed {seed}");
            check_cut(&report, &expected, at, seed);
        });
    }
}

#[test]
fn a_failure_that_ends_the_run_does_so_at_any_moment() {
    let mut cut_short = 0;
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut sketch = Sketch::random(&mut random);
        for step in &mut sketch.steps {
            if random.u8(0..4) == 0 {
                step.on_error = OnError::FailFast;
            }
        }
        let expected = sketch.simulate();
        let steps = sketch.steps.iter().zip(&expected);
        let fatal = steps.filter(|(step, expected)| {
            matches!(step.on_error, OnError::FailFast) && expected.status == Status::Failed
        });
        let Some(at) = fatal.map(|(_, expected)| expected.end).min() else {
            continue;
        };
        cut_short += 1;
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        let report = runtime.block_on(Flow::new(&rt).unlimited().start(&sketch.build(&rt)));
        assert_eq!(report.wall, at, "seed {seed}");
        check_cut(&report, &expected, at, seed);
    }
    assert!(cut_short > 50, "only {cut_short}");
}

/// What had ended by then ended as it would have; what was running was cancelled; the rest never began.
fn check_cut(report: &FlowReport, expected: &[Expected], at: Duration, seed: u64) {
    for (step, expected) in report.steps.iter().zip(expected) {
        let of = format!("seed {seed}, step {}", step.name);
        if expected.end < at {
            assert_eq!(step.status, expected.status, "{of}");
        } else if expected.start > at {
            assert_eq!(step.status, Status::Aborted, "{of}");
        } else if expected.end > at && expected.start < at {
            assert_eq!(step.status, Status::Cancelled, "{of}");
        } else {
            // At that very moment.
            assert!(step.status.is_final(), "{of}");
        }
    }
}
