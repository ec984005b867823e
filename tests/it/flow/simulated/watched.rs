use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use fascine::flow::{
    FlowEvent, FlowReport, FlowRun, Graph, SkipCause, Status, StepHandle, StepReport,
};
use futures_lite::future;

use crate::flow::simulator::{Ended, Expected};
use crate::flow::sketch::{Gave, Sketch};

/// All that was told of a run.
pub(super) struct Watched {
    /// None if the run was dropped.
    pub(super) report: Option<FlowReport>,
    handles: Vec<StepReport>,
    events: Vec<FlowEvent>,
}

impl Watched {
    pub(super) async fn to_its_end(run: FlowRun, graph: &Graph) -> Self {
        Self::until(run, graph, future::pending()).await
    }

    /// Drops the run at that moment, if it has not ended.
    pub(super) async fn until(
        mut run: FlowRun,
        graph: &Graph,
        end: impl Future<Output = ()>,
    ) -> Self {
        let mut events = run.events();
        let handles = graph.step_names().map(|name| run.handle(name).unwrap());
        let handles: Vec<StepHandle> = handles.collect();
        let report = future::or(async { Some(run.await) }, async {
            end.await;
            None
        });
        let report = report.await;
        let mut told = Vec::new();
        for handle in handles {
            told.push(handle.await);
        }
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            all.push(event);
        }
        Self {
            report,
            handles: told,
            events: all,
        }
    }

    pub(super) fn check(&self, expected: &Expected, sketch: &Sketch, seed: u64) {
        for (number, ended) in expected.steps.iter().enumerate() {
            let of = format!(
                "seed {seed}, step {number}: {:?}, {ended:?}",
                sketch.steps[number]
            );
            check_step(
                &self.handles[number],
                ended,
                Duration::ZERO,
                expected.order_is_certain,
                &of,
            );
        }
        if let Some(report) = &self.report {
            self.check_report(report, expected, seed);
            self.check_events(expected, seed);
        }
    }

    fn check_report(&self, report: &FlowReport, expected: &Expected, seed: u64) {
        let of = format!("seed {seed}");
        for (step, handle) in report.steps.iter().zip(&self.handles) {
            let same = |step: &StepReport| {
                let error = step.error.as_ref().map(ToString::to_string);
                let cause = step.skip_cause.clone();
                (
                    step.status,
                    step.attempts,
                    step.started,
                    step.elapsed,
                    error,
                    cause,
                )
            };
            assert_eq!(same(step), same(handle), "{of}");
        }
        assert_eq!(report.wall, expected.wall, "{of}");
        let path = &report.critical_path;
        if expected.path_is_certain {
            assert_eq!(path.duration, expected.critical_path, "{of}: {path:?}");
        }
        assert!(path.duration <= report.wall, "{of}");
        self.check_success(report, expected, &of);
        if expected.has_graphs() {
            return;
        }
        let on_path = path.steps.iter().map(|name| report.step(name).unwrap());
        let on_path: Vec<_> = on_path.collect();
        for two in on_path.windows(2) {
            let ended = two[0].started.unwrap() + two[0].elapsed;
            assert!(ended <= two[1].started.unwrap(), "{of}: {path:?}");
        }
        let together: Duration = on_path.iter().map(|step| step.elapsed).sum();
        assert_eq!(together, path.duration, "{of}: {path:?}");

        let failed = report.with_status(Status::Failed);
        let mut failed: Vec<_> = failed.map(|step| step.name.as_str()).collect();
        let mut listed: Vec<_> = report.errors.iter().map(|error| error.step()).collect();
        assert_eq!(report.error_count, failed.len() as u64, "{of}");
        if let Some(first) = listed.first() {
            assert_eq!(
                report.assert_completed().map(drop).unwrap_err().step,
                *first,
                "{of}"
            );
        }
        failed.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, failed, "{of}");
    }

    fn check_success(&self, report: &FlowReport, expected: &Expected, of: &str) {
        let undone = (0..)
            .zip(&expected.steps)
            .filter(|(_, ended)| ended.is_undone());
        let undone: Vec<String> = undone
            .map(|(step, _): (usize, _)| step.to_string())
            .collect();
        let to_rerun = report.to_rerun().filter(|step| !step.path.contains('/'));
        let to_rerun: Vec<_> = to_rerun.map(|step| step.name.to_string()).collect();
        assert_eq!(to_rerun, undone, "{of}");
        assert_eq!(report.is_success(), undone.is_empty(), "{of}");
        assert_eq!(report.assert_completed().is_ok(), undone.is_empty(), "{of}");
    }

    /// Each step is told of once when it begins and once when it ends, if it does, as it is in the report.
    fn check_events(&self, expected: &Expected, seed: u64) {
        let mut ended: HashMap<&str, &FlowEvent> = HashMap::new();
        let mut begun = Vec::new();
        let mut begun_at: HashMap<&str, Duration> = HashMap::new();
        for event in &self.events {
            let of = format!("seed {seed}: {event:?}");
            // Another try of a step may run its graph again.
            if event.step.contains('/') && ended.remove(&*event.step).is_some() {
                begun_at.remove(&*event.step);
            }
            assert!(!ended.contains_key(&*event.step), "{of}");
            if event.status == Status::Processing {
                begun.extend(event.step.parse::<usize>());
                assert_eq!(event.elapsed, Duration::ZERO, "{of}");
                assert!(begun_at.insert(&event.step, event.at).is_none(), "{of}");
            } else {
                assert!(event.status.is_final(), "{of}");
                ended.insert(&event.step, event);
            }
        }
        let mut expected_to_begin = expected.begun.clone();
        if !expected.order_is_certain {
            let by_time = |step: &usize| (expected.steps[*step].started, *step);
            begun.sort_by_key(by_time);
            expected_to_begin.sort_by_key(by_time);
        }
        assert_eq!(begun, expected_to_begin, "seed {seed}: the order of starts");
        for step in self.report.iter().flat_map(FlowReport::all_steps) {
            let event = ended[&*step.path];
            let of = format!("seed {seed}: {event:?} and {step:?}");
            assert_eq!(
                (event.status, event.elapsed),
                (step.status, step.elapsed),
                "{of}"
            );
            assert_eq!(begun_at.get(&*step.path).copied(), step.started, "{of}");
            if let Some(started) = step.started {
                assert_eq!(event.at, started + step.elapsed, "{of}");
            }
        }
    }
}

/// The times of what is expected are `after` the start of the run that the graph is nested in.
fn check_step(
    step: &StepReport,
    expected: &Ended,
    after: Duration,
    order_is_certain: bool,
    of: &str,
) {
    assert_eq!(step.status, expected.status, "{step:?} not {of}");
    let started = expected.started.map(|started| started + after);
    assert_eq!(step.started, started, "{of}");
    assert_eq!(step.attempts, expected.attempts, "{of}");
    assert_eq!(step.elapsed, expected.elapsed, "{of}");
    assert_eq!(step.error.is_some(), step.status == Status::Failed, "{of}");
    if let Some(error) = &step.error {
        assert_eq!(*error.step(), *step.path, "{of}");
    }
    check_within(step, expected, after, of);
    let is_skipped = step.status == Status::Skipped;
    assert_eq!(step.skip_cause.is_some(), is_skipped, "{of}");
    match &step.skip_cause {
        Some(SkipCause::Dependency { step }) => {
            let name = step.rsplit('/').next().unwrap();
            let blamed: usize = name.parse().unwrap();
            assert!(
                expected.to_blame.contains(&blamed),
                "{of}: {step}, not {expected:?}"
            );
        }
        _ => assert!(expected.to_blame.is_empty(), "{of}: {expected:?}"),
    }
    // Nested steps keep theirs only if they are named.
    if step.status == Status::Completed
        && let Some(output) = &step.output
    {
        let gave = output.get::<Gave>().unwrap();
        assert_eq!(gave.by.to_string(), step.name, "{of}");
        if order_is_certain {
            assert_eq!(gave.inputs, expected.inputs, "{of}");
        }
    }
}

/// What the graph did that a step ran.
fn check_within(step: &StepReport, expected: &Ended, after: Duration, of: &str) {
    let Some((begins, within)) = &expected.within else {
        assert!(step.nested.is_empty(), "{of}: {step:?}");
        return;
    };
    let [report] = &step.nested[..] else {
        panic!("{of}: {} graphs", step.nested.len());
    };
    assert_eq!(report.wall, within.wall, "{of}");
    let after = after + expected.started.unwrap() + *begins;
    for (number, (inner, ended)) in report.steps.iter().zip(&within.steps).enumerate() {
        let path = format!("{}/{number}", step.path);
        assert_eq!(*inner.path, *path, "{of}");
        let of = format!("{path}: {ended:?} in {of}");
        check_step(inner, ended, after, false, &of);
    }
}
