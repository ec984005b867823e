use std::sync::Arc;
use std::time::Duration;

use fascine::flow::Join;

use super::{AfterFailure, Condition, Ending, Sketch, SketchEdge, SketchStep, Try};

/// What a random graph may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    /// Conditions that panic: a step behind one takes no time.
    pub(crate) panics: bool,
    /// Failures that end the run.
    pub(crate) fatal: bool,
    pub(crate) resources: bool,
    /// How deep steps run graphs.
    pub(crate) depth: u32,
}

impl Sketch {
    /// Later seeds have more steps, so what fails first is small.
    pub(crate) fn random(seed: u64, features: Features) -> Self {
        let most = 4 + seed.min(40) as usize;
        Self::of_at_most(most, &mut fastrand::Rng::with_seed(seed), features)
    }

    fn of_at_most(most: usize, random: &mut fastrand::Rng, features: Features) -> Self {
        let count = random.usize(1..=most);
        let mut sketch = Self {
            steps: (0..count).map(|_| step(random, features)).collect(),
            edges: Vec::new(),
            resources: Vec::new(),
        };
        if features.resources {
            let limits = (0..3).map(|_| random.usize(1..4));
            sketch.resources = limits.collect();
            for step in &mut sketch.steps {
                step.resource = random.bool().then(|| random.usize(0..3));
            }
        }
        if features.depth > 0 {
            sketch.add_graphs(most / 3, random, features);
        }
        sketch.add_edges(random, features);
        sketch.add_fallbacks(random);
        sketch
    }

    /// Some steps run a graph, whose steps have no part in the shared state.
    fn add_graphs(&mut self, most: usize, random: &mut fastrand::Rng, features: Features) {
        let features = Features {
            depth: features.depth - 1,
            ..features
        };
        for step in &mut self.steps {
            if random.u8(0..4) == 0 {
                let mut within = Self::of_at_most(most.max(2), random, features);
                within.steps.iter_mut().for_each(|step| step.tells = false);
                for edge in &mut within.edges {
                    if matches!(edge.condition, Condition::WhenCompleted(_)) {
                        edge.condition = Condition::Always;
                    }
                }
                step.within = Some(Arc::new(within));
            }
        }
    }

    fn add_edges(&mut self, random: &mut fastrand::Rng, features: Features) {
        let count = self.steps.len();
        let one_in = random.usize(2..8);
        for to in 0..count {
            let mut incoming = 0_u32;
            for from in 0..to {
                if random.usize(0..one_in.max(to / 3)) == 0 {
                    let condition = condition(random, features, count);
                    let edge = SketchEdge {
                        from,
                        to,
                        condition,
                    };
                    self.edges.push(edge);
                    incoming += 1;
                }
            }
            if let Ok(wanted) = random.u32(0..=incoming).try_into()
                && random.u8(0..3) == 0
            {
                self.steps[to].join = Join::AtLeast(wanted);
            }
        }
        random.shuffle(&mut self.edges);
    }

    /// Some steps get another that runs in their place: what would go round in a circle is left out.
    fn add_fallbacks(&mut self, random: &mut fastrand::Rng) {
        let count = self.steps.len();
        for _ in 0..count / 3 {
            let (of, to) = (random.usize(0..count), random.usize(0..count));
            let mut runs = self.steps.iter().map(|step| step.after_failure);
            let is_taken = runs.any(|after| after == AfterFailure::Run(to));
            let is_joined = |edge: &SketchEdge| (edge.from, edge.to) == (of, to);
            if is_taken || self.edges.iter().any(is_joined) {
                continue;
            }
            let step = &mut self.steps[of];
            let before = std::mem::replace(&mut step.after_failure, AfterFailure::Run(to));
            if self.has_cycle() {
                self.steps[of].after_failure = before;
            }
        }
    }

    /// Whether a step waits for itself. It is looked for without any cleverness.
    pub(crate) fn has_cycle(&self) -> bool {
        let mut waits_for: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for edge in &self.edges {
            let mut source = edge.from;
            waits_for[edge.to].push(source);
            // It also waits for whatever runs in place of the source.
            for _ in 0..self.steps.len() {
                let AfterFailure::Run(next) = self.steps[source].after_failure else {
                    break;
                };
                waits_for[edge.to].push(next);
                source = next;
            }
        }
        for (number, step) in self.steps.iter().enumerate() {
            if let AfterFailure::Run(to) = step.after_failure {
                waits_for[to].push(number);
            }
        }
        // Takes away what waits for nothing that is left, until nothing changes.
        let mut left: Vec<bool> = vec![true; self.steps.len()];
        loop {
            let free = (0..left.len())
                .find(|step| left[*step] && !waits_for[*step].iter().any(|from| left[*from]));
            match free {
                Some(step) => left[step] = false,
                None => return left.contains(&true),
            }
        }
    }
}

fn step(random: &mut fastrand::Rng, features: Features) -> SketchStep {
    let joins = [
        Join::NoneFailed,
        Join::All,
        Join::AllSucceeded,
        Join::Always,
        Join::Any,
    ];
    let tries = random
        .usize(1..=3)
        .saturating_sub(random.usize(0..2))
        .max(1);
    let after_failure = match random.u8(0..4) {
        0 => AfterFailure::CarryOn,
        1 => AfterFailure::Give,
        2 if features.fatal && random.bool() => AfterFailure::EndRun,
        _ => AfterFailure::SkipDependents,
    };
    let has_timeout = random.u8(0..4) == 0;
    SketchStep {
        tries: (0..tries).map(|_| one_try(random)).collect(),
        // In eighths of a second, as back-off reckons in floats.
        backoff: Duration::from_millis(125 * random.u64(1..8000)),
        timeout: has_timeout.then(|| some_time(random)),
        join: joins[random.usize(0..joins.len())],
        after_failure,
        priority: random.i32(-1..=1),
        cost: random.u32(0..4),
        resource: None,
        within: None,
        tells: true,
        is_idempotent: random.bool(),
    }
}

fn one_try(random: &mut fastrand::Rng) -> Try {
    Try {
        takes: some_time(random),
        ends: match random.u8(0..12) {
            0..3 => Ending::Fails,
            3 => Ending::Panics,
            _ => Ending::Gives,
        },
    }
}

fn condition(random: &mut fastrand::Rng, features: Features, steps: usize) -> Condition {
    match random.u8(0..12) {
        0 | 1 => Condition::When(random.bool()),
        2 | 3 => Condition::WhenAsync(random.bool(), some_time(random)),
        4 => Condition::WhenCompleted(random.usize(0..steps)),
        5 if features.panics && random.bool() => Condition::Panics,
        6 => Condition::Otherwise,
        _ => Condition::Always,
    }
}

/// So long that no two things happen at one time by chance.
fn some_time(random: &mut fastrand::Rng) -> Duration {
    Duration::from_nanos(random.u64(1..1_000_000_000_000))
}
