use std::collections::HashMap;
use std::iter;

use crate::GraphError;
use crate::adjacency::Adjacency;
use crate::edge::{Condition, Edge};
use crate::graph::Inner;

/// Puts every step after those it depends on. After A. B. Kahn, "Topological sorting of large networks", 1962.
pub(crate) fn order(graph: &Inner) -> Result<Vec<u32>, GraphError> {
    if graph.rescues.is_empty() {
        return sort(graph, &graph.edges, &graph.incoming, &graph.outgoing);
    }
    let ways: Vec<_> = graph
        .edges
        .iter()
        .map(Ends::ends)
        .chain(detours(graph))
        .collect();
    let incoming = Adjacency::new(graph.steps.len(), &ways, |(_, to)| *to);
    let outgoing = Adjacency::new(graph.steps.len(), &ways, |(from, _)| *from);
    sort(graph, &ways, &incoming, &outgoing)
}

/// From fallback steps to the steps that wait for what they are there for. Of steps that stand in for each other in a row,
/// the last one is enough: the others come before it.
fn detours(graph: &Inner) -> impl Iterator<Item = (u32, u32)> {
    let rescuer = |step: u32| {
        let more = graph.steps[step as usize].settings.more.as_ref();
        more.and_then(|more| more.rescuer)
    };
    let is_last = move |step: &u32| rescuer(*step).is_none();
    let rescuers = graph.rescues.keys().copied();
    rescuers.filter(is_last).flat_map(move |last| {
        let of = iter::successors(Some(last), |step| graph.rescues.get(step).copied());
        let edges = of.skip(1).flat_map(|of| graph.outgoing.of(of));
        let edges = edges.map(|edge| &graph.edges[*edge as usize]);
        edges
            .filter(|edge| !matches!(edge.condition(), Condition::OnFailure))
            .map(move |edge| (last, edge.to))
    })
}

/// What leads from one step to another.
trait Ends {
    fn ends(&self) -> (u32, u32);
}

impl Ends for Edge {
    fn ends(&self) -> (u32, u32) {
        (self.from, self.to)
    }
}

impl Ends for (u32, u32) {
    fn ends(&self) -> (u32, u32) {
        *self
    }
}

fn sort(
    graph: &Inner,
    ways: &[impl Ends],
    incoming: &Adjacency,
    outgoing: &Adjacency,
) -> Result<Vec<u32>, GraphError> {
    let steps = 0..graph.steps.len() as u32;
    let mut waiting: Vec<u32> = steps.clone().map(|step| incoming.count(step)).collect();
    let mut order: Vec<u32> = Vec::with_capacity(graph.steps.len());
    order.extend(steps.filter(|step| waiting[*step as usize] == 0));
    let mut next = 0;
    while next < order.len() {
        for edge in outgoing.of(order[next]) {
            let (_, to) = ways[*edge as usize].ends();
            waiting[to as usize] -= 1;
            if waiting[to as usize] == 0 {
                order.push(to);
            }
        }
        next += 1;
    }
    match (0..).zip(&waiting).find(|(_, waiting)| **waiting > 0) {
        Some((stuck, _)) => {
            let ways_of = |way: u32| ways[way as usize].ends().0;
            let before = |step: u32| {
                let ways = incoming.of(step).iter();
                let mut from = ways.map(|way| ways_of(*way));
                from.find(|from| waiting[*from as usize] > 0)
            };
            Err(cycle(graph, before, stuck))
        }
        None => Ok(order),
    }
}

/// Walks back from a stuck step until a step comes again: it waits for a stuck one, and that one for another.
fn cycle(graph: &Inner, before: impl Fn(u32) -> Option<u32>, stuck: u32) -> GraphError {
    let mut seen = HashMap::new();
    let mut walk = vec![stuck];
    let mut step = stuck;
    let begin = loop {
        if let Some(begin) = seen.insert(step, walk.len() - 1) {
            break begin;
        }
        step = before(step).unwrap_or(stuck);
        walk.push(step);
    };
    let path = walk[begin..].iter().rev();
    GraphError::Cycle {
        path: path.map(|step| graph.name(*step)).collect(),
    }
}

/// What the costliest chain that begins with each step costs.
pub(crate) fn remaining(graph: &Inner) -> Vec<u64> {
    let mut remaining = vec![0; graph.steps.len()];
    for step in graph.order.iter().rev() {
        let edges = graph.outgoing.of(*step).iter();
        let after = edges.map(|edge| remaining[graph.edges[*edge as usize].to as usize]);
        let cost = graph.steps[*step as usize].settings.cost();
        remaining[*step as usize] = after.max().unwrap_or(0_u64).saturating_add(cost);
    }
    remaining
}
