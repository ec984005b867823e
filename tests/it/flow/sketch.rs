//! Random graphs, and a simulator that follows the rules one step after the other.

use std::time::Duration;

use fascine::flow::{Graph, GraphBuilder, Join, OnError, Output, Status};
use fascine::rt::Rt;

use crate::durations::ms;

#[derive(Debug)]
pub(crate) struct Sketch {
    pub(crate) steps: Vec<SketchStep>,
    pub(crate) edges: Vec<SketchEdge>,
}

#[derive(Debug)]
pub(crate) struct SketchStep {
    time: u64,
    fails: bool,
    join: Join,
    pub(crate) on_error: OnError,
}

#[derive(Debug)]
pub(crate) struct SketchEdge {
    from: usize,
    to: usize,
    condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Condition {
    Always,
    Otherwise,
    Panics,
    When(bool),
    WhenAsync(bool),
}

/// What the edges out of a step carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Broken,
    Dead,
    Failed,
    Live,
    LiveError,
}

/// How a step ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) status: Status,
    pub(crate) by_failure: bool,
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    carries: Edge,
}

impl Sketch {
    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        let count = random.usize(1..30);
        let mut steps: Vec<_> = (0..count).map(|_| SketchStep::random(random)).collect();
        let mut edges = Vec::new();
        for (to, step) in steps.iter_mut().enumerate() {
            let mut incoming: u32 = 0;
            for from in 0..to {
                if random.u8(0..6) == 0 {
                    let condition = Condition::random(random);
                    edges.push(SketchEdge {
                        from,
                        to,
                        condition,
                    });
                    incoming += 1;
                }
            }
            if let Some(wanted) = random.u32(0..=incoming).try_into().ok()
                && random.bool()
            {
                step.join = Join::AtLeast(wanted);
            }
        }
        Self { steps, edges }
    }

    pub(crate) fn build(&self, rt: &Rt) -> Graph {
        let mut graph = GraphBuilder::new();
        for (number, step) in self.steps.iter().enumerate() {
            let (clock, time, fails) = (rt.clone(), ms(step.time), step.fails);
            graph
                .step(number.to_string(), move |_| {
                    let clock = clock.clone();
                    async move {
                        clock.sleep(time).await;
                        if fails { Err("told to".into()) } else { Ok(()) }
                    }
                })
                .join(step.join)
                .on_error(step.on_error.clone());
        }
        for edge in &self.edges {
            let added = graph.edge(edge.from.to_string(), edge.to.to_string());
            match edge.condition {
                Condition::Always => added,
                Condition::Otherwise => added.otherwise(),
                Condition::Panics => added.when(|_| panic!("told to")),
                Condition::When(live) => added.when(move |_| live),
                Condition::WhenAsync(live) => added.when_async(move |_| async move { live }),
            };
        }
        graph.build().unwrap()
    }

    /// How each step ends when nothing limits them.
    pub(crate) fn simulate(&self) -> Vec<Expected> {
        let mut ended: Vec<Expected> = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let incoming = self.edges.iter().filter(|edge| edge.to == number);
            let incoming = incoming.map(|edge| (ended[edge.from].end, self.settle(edge, &ended)));
            let expected = step.end(incoming.collect());
            ended.push(expected);
        }
        ended
    }

    fn settle(&self, edge: &SketchEdge, ended: &[Expected]) -> Edge {
        let carried = ended[edge.from].carries;
        if !matches!(carried, Edge::Live | Edge::LiveError) {
            return carried;
        }
        let says_yes = |condition| {
            matches!(
                condition,
                Condition::When(true) | Condition::WhenAsync(true)
            )
        };
        let mut siblings = self.edges.iter().filter(|other| other.from == edge.from);
        match edge.condition {
            Condition::Panics => Edge::Broken,
            Condition::Otherwise if siblings.any(|edge| says_yes(edge.condition)) => Edge::Dead,
            Condition::Always | Condition::Otherwise => carried,
            condition if says_yes(condition) => carried,
            _ => Edge::Dead,
        }
    }
}

impl SketchStep {
    fn random(random: &mut fastrand::Rng) -> Self {
        let joins = [
            Join::NoneFailed,
            Join::All,
            Join::AllSucceeded,
            Join::Always,
            Join::Any,
        ];
        let on_error = match random.u8(0..3) {
            0 => OnError::SkipDependents,
            1 => OnError::Continue,
            _ => OnError::Fallback(Output::new(())),
        };
        Self {
            time: random.u64(1..1_000_000),
            fails: random.u8(0..5) == 0,
            join: joins[random.usize(0..joins.len())],
            on_error,
        }
    }

    fn end(&self, edges: Vec<(Duration, Edge)>) -> Expected {
        let count = |which: Edge| edges.iter().filter(|(_, edge)| *edge == which).count();
        let mut live: Vec<_> = edges
            .iter()
            .filter(|(_, edge)| matches!(edge, Edge::Live | Edge::LiveError))
            .map(|(at, _)| *at)
            .collect();
        live.sort_unstable();
        let mut start = edges.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let lost = count(Edge::Failed) + count(Edge::Broken);
        let runs = match self.join {
            Join::Any => !live.is_empty(),
            Join::All => live.len() == edges.len(),
            Join::AllSucceeded => count(Edge::Live) == edges.len(),
            Join::NoneFailed => !live.is_empty() && lost == 0,
            Join::Always => true,
            Join::AtLeast(wanted) => {
                let at = live.get(wanted.get() as usize - 1);
                start = at.copied().unwrap_or(start);
                at.is_some()
            }
            _ => unreachable!("the sketch has no other joins"),
        };
        let ended = |status, carries, time, by_failure| Expected {
            status,
            by_failure,
            start,
            end: start + ms(time),
            carries,
        };
        if runs || edges.is_empty() {
            return match (self.fails, &self.on_error) {
                (false, _) => ended(Status::Completed, Edge::Live, self.time, false),
                (true, OnError::Continue) => {
                    ended(Status::Failed, Edge::LiveError, self.time, false)
                }
                (true, OnError::Fallback(_)) => ended(Status::Failed, Edge::Live, self.time, false),
                (true, _) => ended(Status::Failed, Edge::Failed, self.time, false),
            };
        }
        if count(Edge::Broken) > 0 {
            return match &self.on_error {
                OnError::Continue => ended(Status::Failed, Edge::LiveError, 0, false),
                OnError::Fallback(_) => ended(Status::Failed, Edge::Live, 0, false),
                _ => ended(Status::Failed, Edge::Failed, 0, false),
            };
        }
        let by_error = self.join == Join::AllSucceeded && count(Edge::LiveError) > 0;
        if count(Edge::Failed) > 0 || by_error {
            ended(Status::Skipped, Edge::Failed, 0, true)
        } else {
            ended(Status::Skipped, Edge::Dead, 0, false)
        }
    }
}

impl Condition {
    fn random(random: &mut fastrand::Rng) -> Self {
        match random.u8(0..10) {
            0 | 1 => Self::When(false),
            2 | 3 => Self::When(true),
            4 => Self::WhenAsync(false),
            5 => Self::WhenAsync(true),
            6 if random.bool() => Self::Panics,
            7 => Self::Otherwise,
            _ => Self::Always,
        }
    }
}
