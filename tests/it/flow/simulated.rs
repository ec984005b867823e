//! Random graphs against a simulator that takes its time.

use std::time::Duration;

use fascine::flow::{Flow, FlowReport, GraphBuilder, SkipCause, Status};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use crate::durations::ms;

struct Sketch {
    times: Vec<u64>,
    fails: Vec<bool>,
    /// From, to, live.
    edges: Vec<(usize, usize, bool)>,
}

impl Sketch {
    fn random(random: &mut fastrand::Rng) -> Self {
        let count = random.usize(1..30);
        let times = (0..count).map(|_| random.u64(0..50)).collect();
        let fails = (0..count).map(|_| random.u8(0..12) == 0).collect();
        let mut edges = Vec::new();
        for to in 1..count {
            for from in 0..to {
                if random.u8(0..6) == 0 {
                    edges.push((from, to, random.u8(0..4) > 0));
                }
            }
        }
        Self {
            times,
            fails,
            edges,
        }
    }

    fn build(&self, rt: &Rt) -> fascine::flow::Graph {
        let mut graph = GraphBuilder::new();
        for (step, (time, fails)) in self.times.iter().zip(&self.fails).enumerate() {
            let (clock, time, fails) = (rt.clone(), ms(*time), *fails);
            graph.step(step.to_string(), move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(time).await;
                    if fails { Err("told to".into()) } else { Ok(()) }
                }
            });
        }
        for (from, to, live) in &self.edges {
            let (from, to, live) = (from.to_string(), to.to_string(), *live);
            graph.edge(from, to).when(move |_| live);
        }
        graph.build().unwrap()
    }

    /// When each step ends and how, by the rules, one step after the other.
    fn simulate(&self) -> Vec<(Status, bool, Duration)> {
        let mut ended: Vec<(Status, bool, Duration)> = Vec::new();
        for step in 0..self.times.len() {
            let incoming: Vec<_> = self.edges.iter().filter(|(_, to, _)| *to == step).collect();
            let start = incoming
                .iter()
                .map(|(from, ..)| ended[*from].2)
                .max()
                .unwrap_or_default();
            let blocked = incoming.iter().any(|(from, ..)| ended[*from].1);
            let live = |(from, _, live): &&(usize, usize, bool)| {
                *live && ended[*from].0 == Status::Completed
            };
            let runs = !blocked && (incoming.is_empty() || incoming.iter().any(live));
            ended.push(match (runs, self.fails[step]) {
                (false, _) => (Status::Skipped, blocked, start),
                (true, true) => (Status::Failed, true, start + ms(self.times[step])),
                (true, false) => (Status::Completed, false, start + ms(self.times[step])),
            });
        }
        ended
    }
}

fn check(report: &FlowReport, expected: &[(Status, bool, Duration)], seed: u64) {
    for (step, (status, blocked, end)) in report.steps.iter().zip(expected) {
        assert_eq!(step.status, *status, "seed {seed}, step {}", step.name);
        if let Some(started) = step.started {
            assert_eq!(
                started + step.elapsed,
                *end,
                "seed {seed}, step {}",
                step.name
            );
        }
        if *status == Status::Skipped {
            let by_failure = matches!(step.skip_cause, Some(SkipCause::Dependency { .. }));
            assert_eq!(by_failure, *blocked, "seed {seed}, step {}", step.name);
        }
    }
}

#[test]
fn random_graphs_end_as_simulated_and_the_wall_is_the_critical_path() {
    for seed in 0..300 {
        let sketch = Sketch::random(&mut fastrand::Rng::with_seed(seed));
        let expected = sketch.simulate();
        let report = TestRuntime::with_seed(seed);
        let rt = report.rt();
        let report = report.block_on(Flow::new(&rt).unlimited().start(&sketch.build(&rt)));
        check(&report, &expected, seed);
        let last = expected
            .iter()
            .map(|(.., end)| *end)
            .max()
            .unwrap_or_default();
        assert_eq!(report.wall, last, "seed {seed}");
        assert_eq!(report.critical_path.duration, report.wall, "seed {seed}");
    }
}

#[test]
fn limits_change_when_steps_end_but_not_how() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sketch = Sketch::random(&mut random);
        let expected: Vec<_> = sketch
            .simulate()
            .into_iter()
            .map(|(status, ..)| status)
            .collect();
        let runtime = TestRuntime::with_seed(seed);
        let rt = runtime.rt();
        let limit = random.usize(1..4).try_into().unwrap();
        let run = Flow::new(&rt)
            .with_max_concurrent(limit)
            .start(&sketch.build(&rt));
        let report = runtime.block_on(run);
        let statuses: Vec<_> = report.steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, expected, "seed {seed}");
        assert!(report.wall >= report.critical_path.duration, "seed {seed}");
        let work: Duration = report.steps.iter().map(|step| step.elapsed).sum();
        if limit.get() == 1 {
            assert_eq!(report.wall, work, "seed {seed}");
        }
    }
}

#[test]
fn a_cancel_at_any_moment_ends_every_step_at_once() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sketch = Sketch::random(&mut random);
        let expected = sketch.simulate();
        let at = ms(random.u64(0..200));
        TestRuntime::run(|rt| async move {
            let run = Flow::new(&rt).unlimited().start(&sketch.build(&rt));
            let (canceller, clock) = (run.canceller(), rt.clone());
            let cancel = rt.spawn(async move {
                clock.sleep(at).await;
                canceller.cancel();
            });
            let report = run.await;
            drop(cancel);
            assert!(report.wall <= at || report.steps.iter().all(|step| step.status.is_final()));
            for (step, (status, _, end)) in report.steps.iter().zip(&expected) {
                assert!(step.status.is_final(), "seed {seed}, step {}", step.name);
                if *end < at {
                    assert_eq!(step.status, *status, "seed {seed}, step {}", step.name);
                }
            }
            assert!(
                report.wall
                    <= at.max(
                        expected
                            .iter()
                            .map(|(.., end)| *end)
                            .max()
                            .unwrap_or_default()
                    )
            );
        });
    }
}
