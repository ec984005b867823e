use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use crate::adjacency::Adjacency;
use crate::blocks::Blocks;
use crate::edge::{Condition, Edge, NamedEnd, Side};
use crate::graph::Inner;
use crate::names::{Index, Names};
use crate::output::OutputType;
use crate::shared_state::Reducer;
use crate::step::Step;
use crate::{GraphError, Join, StepKey, fallbacks, order};

/// Checks everything and makes the graph.
pub(crate) fn compile(
    mut steps: Blocks<Step>,
    drafts: Drafts,
    resources: Vec<(String, NonZeroUsize)>,
    entries: &[StepKey],
) -> Result<Inner, GraphError> {
    let (resources, limits) = limits(&mut steps, resources)?;
    let index = Index::new(&steps)?;
    let names = Names::new(&steps, &index);
    let mut edges = edges(&names, &steps, drafts)?;
    let entries = names.all(entries, "begin with")?;
    let rescuers = fallbacks::find(&names, &steps)?;
    let rescues = fallbacks::join(&mut steps, &mut edges, rescuers)?;
    let incoming = Adjacency::new(steps.len(), &edges, |edge| edge.to);
    let outgoing = Adjacency::new(steps.len(), &edges, |edge| edge.from);
    let mut decides = vec![false; steps.len()];
    for edge in &edges {
        if !matches!(edge.condition(), Condition::Always | Condition::OnFailure) {
            decides[edge.from as usize] = true;
        }
    }
    let mut inner = Inner {
        steps,
        index,
        edges,
        incoming,
        outgoing,
        order: Vec::new(),
        remaining: Vec::new(),
        resources,
        limits,
        decides,
        rescues,
        reducers: HashMap::new(),
        version: None,
        prints: OnceLock::new(),
        written: HashSet::new(),
    };
    check_edges(&inner)?;
    check_joins(&inner)?;
    check_entries(&inner, entries)?;
    inner.order = order::order(&inner)?;
    inner.remaining = order::remaining(&inner);
    Ok(inner)
}

/// No two steps change one key of the shared state, unless it is known what becomes of it. Gives the keys.
pub(crate) fn check_writers(
    steps: &Blocks<Step>,
    reducers: &HashMap<String, Reducer>,
) -> Result<HashSet<String>, GraphError> {
    let mut writers: HashMap<&str, &Step> = HashMap::new();
    for step in steps {
        for key in step.settings.more.iter().flat_map(|more| &more.writes) {
            if let Some(other) = writers.insert(key, step)
                && other.name != step.name
                && !reducers.contains_key(key)
            {
                return Err(GraphError::SharedKey {
                    key: key.clone(),
                    steps: [other.name.to_string(), step.name.to_string()],
                });
            }
        }
    }
    Ok(writers.into_keys().map(str::to_owned).collect())
}

/// Looks up what steps share.
fn limits(
    steps: &mut Blocks<Step>,
    resources: Vec<(String, NonZeroUsize)>,
) -> Result<(Vec<String>, Vec<usize>), GraphError> {
    let mut numbers = HashMap::new();
    let (mut names, mut limits) = (Vec::new(), Vec::new());
    for (name, limit) in resources {
        if numbers.insert(name.clone(), names.len()).is_some() {
            return Err(GraphError::DuplicateResource { name });
        }
        names.push(name);
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
    Ok((names, limits))
}

/// Edges as they were added.
pub(crate) struct Drafts {
    pub(crate) edges: Vec<Edge>,
    pub(crate) named: Vec<NamedEnd>,
    pub(crate) wants: Vec<(usize, fn() -> OutputType)>,
}

/// Looks the ends of the edges up.
fn edges(names: &Names<'_>, steps: &Blocks<Step>, drafts: Drafts) -> Result<Vec<Edge>, GraphError> {
    let Drafts {
        mut edges,
        named,
        wants,
    } = drafts;
    if edges.len() >= u32::MAX as usize {
        return Err(GraphError::TooLarge);
    }
    for end in &named {
        match names.named(&end.name) {
            Some(number) => *edges[end.edge].end(end.side) = number,
            None => return Err(unknown(names, &edges[end.edge], &named, end.edge, end.side)),
        }
    }
    let is_known = |number| names.numbered(number).is_some();
    let is_wrong = |edge: &Edge| !is_known(edge.from) || !is_known(edge.to);
    if let Some(number) = edges.iter().position(is_wrong) {
        let edge = &edges[number];
        let side = if is_known(edge.from) {
            Side::To
        } else {
            Side::From
        };
        return Err(unknown(names, edge, &named, number, side));
    }
    for (number, wants) in wants {
        let (edge, wants) = (&edges[number], wants());
        let (from, to) = (&steps[edge.from as usize], &steps[edge.to as usize]);
        let gives = (from.output)();
        if gives != wants {
            return Err(GraphError::TypeMismatch {
                from: from.name.to_string(),
                to: to.name.to_string(),
                gives: gives.name.to_owned(),
                wants: wants.name.to_owned(),
            });
        }
    }
    Ok(edges)
}

/// The error for an edge of which one end is not there.
fn unknown(
    names: &Names<'_>,
    edge: &Edge,
    named: &[NamedEnd],
    number: usize,
    side: Side,
) -> GraphError {
    let text = |side: Side| {
        let mut named = named.iter();
        let found = named.find(|end| end.edge == number && end.side == side);
        let step = match side {
            Side::From => edge.from,
            Side::To => edge.to,
        };
        found.map_or_else(
            || names.text(&StepKey::number(step)),
            |end| end.name.to_string(),
        )
    };
    GraphError::UnknownStep {
        from: text(Side::From),
        to: text(Side::To),
        name: text(side),
    }
}

/// Two steps are joined by one edge.
fn check_edges(graph: &Inner) -> Result<(), GraphError> {
    // The step whose edges were looked at when an edge to this one was last seen.
    let mut seen = vec![u32::MAX; graph.steps.len()];
    for from in 0..graph.steps.len() as u32 {
        for edge in graph.outgoing.of(from) {
            let to = graph.edges[*edge as usize].to;
            if std::mem::replace(&mut seen[to as usize], from) == from {
                let (from, to) = (graph.name(from), graph.name(to));
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

/// Something leads to every step from where the graph begins, if that was said.
fn check_entries(graph: &Inner, entries: Vec<u32>) -> Result<(), GraphError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut is_reached = vec![false; graph.steps.len()];
    let mut reached = entries;
    while let Some(step) = reached.pop() {
        if !std::mem::replace(&mut is_reached[step as usize], true) {
            let edges = graph.outgoing.of(step).iter();
            reached.extend(edges.map(|edge| graph.edges[*edge as usize].to));
        }
    }
    match (0..).zip(is_reached).find(|(_, is_reached)| !is_reached) {
        Some((step, _)) => Err(GraphError::Unreachable {
            step: graph.name(step),
        }),
        None => Ok(()),
    }
}
