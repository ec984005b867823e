use petgraph::algo::toposort;
use petgraph::graph::DiGraph;

use super::ours;
use super::shape::Shape;
use super::stopwatch::{compare, timed};
use crate::harness::Options;

/// Putting together and checking a graph of 100,000 named nodes and 300,000 edges.
pub(crate) fn run(options: &Options) {
    let name = "flow/build/100000";
    if !options.wants(name) {
        return;
    }
    let steps = 100_000;
    let edges = (1..steps).flat_map(|to| {
        let near = [to - 1, to / 2, to / 3];
        let count = if to < 6 { 1 } else { 3 };
        near.into_iter().take(count).map(move |from| (from, to))
    });
    let shape = Shape {
        steps,
        edges: edges.collect(),
    };
    let ours = Box::new(|| {
        let mut built = None;
        timed(|| built = Some(ours::graph(&shape)))
    });
    let theirs = Box::new(|| {
        let mut built = None;
        timed(|| {
            let mut graph: DiGraph<String, ()> = DiGraph::new();
            let nodes: Vec<_> = (0..steps).map(|n| graph.add_node(n.to_string())).collect();
            for (from, to) in &shape.edges {
                graph.add_edge(nodes[*from as usize], nodes[*to as usize], ());
            }
            let order = toposort(&graph, None);
            built = Some((graph, order));
        })
    });
    compare(options, name, steps, ours, vec![("petgraph", theirs)]);
}
