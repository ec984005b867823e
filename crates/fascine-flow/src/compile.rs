use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::adjacency::Adjacency;
use crate::edge::{Condition, Edge};
use crate::edge_builder::EdgeDraft;
use crate::graph::Inner;
use crate::step::Step;
use crate::step_id::{Key, StepKey};
use crate::{Graph, GraphError, Join};

/// Checks everything and makes the graph.
pub(crate) fn compile(
    mut steps: Vec<Step>,
    drafts: Vec<EdgeDraft>,
    resources: Vec<(String, NonZeroUsize)>,
) -> Result<Graph, GraphError> {
    let limits = limits(&mut steps, resources)?;
    let edges = edges(&steps, drafts)?;
    let incoming = Adjacency::new(steps.len(), &edges, |edge| edge.to);
    let outgoing = Adjacency::new(steps.len(), &edges, |edge| edge.from);
    let mut decides = vec![false; steps.len()];
    for edge in &edges {
        if !matches!(edge.condition, Condition::Always) {
            decides[edge.from as usize] = true;
        }
    }
    let mut inner = Inner {
        steps,
        edges,
        incoming,
        outgoing,
        order: Vec::new(),
        remaining: Vec::new(),
        limits,
        decides,
    };
    check_edges(&inner)?;
    check_joins(&inner)?;
    inner.order = order(&inner)?;
    inner.remaining = remaining(&inner);
    Ok(Graph {
        inner: Arc::new(inner),
    })
}

/// Looks up what steps share.
fn limits(
    steps: &mut [Step],
    resources: Vec<(String, NonZeroUsize)>,
) -> Result<Vec<usize>, GraphError> {
    let mut numbers = HashMap::new();
    let mut limits = Vec::new();
    for (name, limit) in resources {
        if numbers.insert(name.clone(), limits.len()).is_some() {
            return Err(GraphError::DuplicateResource { name });
        }
        limits.push(limit.get());
    }
    for step in steps {
        let more = step.settings.more.as_mut();
        let Some((more, wanted)) = more.and_then(|more| {
            let wanted = more.resource.clone()?;
            Some((more, wanted))
        }) else {
            continue;
        };
        let number = numbers.get(&wanted);
        let unknown = || GraphError::UnknownResource {
            step: step.name.to_string(),
            name: wanted.clone(),
        };
        more.resource_number = Some(*number.ok_or_else(unknown)?);
    }
    Ok(limits)
}

/// Looks the ends of the edges up.
fn edges(steps: &[Step], drafts: Vec<EdgeDraft>) -> Result<Vec<Edge>, GraphError> {
    if steps.len() >= u32::MAX as usize || drafts.len() >= u32::MAX as usize {
        return Err(GraphError::TooLarge);
    }
    let mut numbers: HashMap<&str, u32> = HashMap::with_capacity(steps.len());
    for (number, step) in (0..).zip(steps) {
        if step.name.is_empty() {
            return Err(GraphError::EmptyName);
        }
        if numbers.insert(&step.name, number).is_some() {
            let name = step.name.to_string();
            return Err(GraphError::DuplicateStep { name });
        }
    }
    let find = |key: &StepKey| match &key.0 {
        Key::Name(name) => numbers.get(name.as_str()).copied(),
        Key::Number(number) => (*number < steps.len() as u32).then_some(*number),
    };
    let text = |key: &StepKey| match &key.0 {
        Key::Name(name) => name.clone(),
        Key::Number(number) => match steps.get(*number as usize) {
            Some(step) => step.name.to_string(),
            None => format!("#{number}"),
        },
    };
    let edge = |draft: EdgeDraft| {
        let unknown = |key: &StepKey| GraphError::UnknownStep {
            from: text(&draft.from),
            to: text(&draft.to),
            name: text(key),
        };
        Ok(Edge {
            from: find(&draft.from).ok_or_else(|| unknown(&draft.from))?,
            to: find(&draft.to).ok_or_else(|| unknown(&draft.to))?,
            label: draft.label,
            condition: draft.condition,
        })
    };
    drafts.into_iter().map(edge).collect()
}

/// Two steps are joined by one edge.
fn check_edges(graph: &Inner) -> Result<(), GraphError> {
    // The step whose edges were looked at when an edge to this one was last seen.
    let mut seen = vec![u32::MAX; graph.steps.len()];
    let name = |step: u32| graph.steps[step as usize].name.to_string();
    for from in 0..graph.steps.len() as u32 {
        for edge in graph.outgoing.of(from) {
            let to = graph.edges[*edge as usize].to;
            if std::mem::replace(&mut seen[to as usize], from) == from {
                let (from, to) = (name(from), name(to));
                return Err(GraphError::DuplicateEdge { from, to });
            }
        }
    }
    Ok(())
}

/// No step waits for more than can come.
fn check_joins(graph: &Inner) -> Result<(), GraphError> {
    for (number, step) in (0..).zip(&graph.steps) {
        let edges = graph.incoming.count(number);
        match step.settings.join {
            Join::AtLeast(wanted) if wanted.get() > edges => {
                return Err(GraphError::ImpossibleJoin {
                    step: step.name.to_string(),
                    wanted: wanted.get(),
                    edges,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts every step after those it depends on. After A. B. Kahn, "Topological sorting of large networks", 1962.
fn order(graph: &Inner) -> Result<Vec<u32>, GraphError> {
    let steps = 0..graph.steps.len() as u32;
    let mut waiting: Vec<u32> = steps
        .clone()
        .map(|step| graph.incoming.count(step))
        .collect();
    let mut order: Vec<u32> = Vec::with_capacity(graph.steps.len());
    order.extend(steps.filter(|step| waiting[*step as usize] == 0));
    let mut next = 0;
    while next < order.len() {
        for edge in graph.outgoing.of(order[next]) {
            let to = graph.edges[*edge as usize].to;
            waiting[to as usize] -= 1;
            if waiting[to as usize] == 0 {
                order.push(to);
            }
        }
        next += 1;
    }
    match (0..).zip(&waiting).find(|(_, waiting)| **waiting > 0) {
        Some((stuck, _)) => Err(cycle(graph, &waiting, stuck)),
        None => Ok(order),
    }
}

/// Walks back from a stuck step until a step comes again: it waits for a stuck one, and that one for another.
fn cycle(graph: &Inner, waiting: &[u32], stuck: u32) -> GraphError {
    let mut seen = HashMap::new();
    let mut walk = vec![stuck];
    let mut step = stuck;
    let begin = loop {
        if let Some(begin) = seen.insert(step, walk.len() - 1) {
            break begin;
        }
        let edges = graph.incoming.of(step).iter();
        let mut before = edges.map(|edge| graph.edges[*edge as usize].from);
        step = before
            .find(|from| waiting[*from as usize] > 0)
            .unwrap_or(stuck);
        walk.push(step);
    };
    let path = walk[begin..].iter().rev();
    let name = |step: &u32| graph.steps[*step as usize].name.to_string();
    GraphError::Cycle {
        path: path.map(name).collect(),
    }
}

fn remaining(graph: &Inner) -> Vec<u64> {
    let mut remaining = vec![0; graph.steps.len()];
    for step in graph.order.iter().rev() {
        let edges = graph.outgoing.of(*step).iter();
        let after = edges.map(|edge| remaining[graph.edges[*edge as usize].to as usize]);
        let cost = graph.steps[*step as usize].settings.cost();
        remaining[*step as usize] = after.max().unwrap_or(0_u64).saturating_add(cost);
    }
    remaining
}
