use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dagrs::{
    Action, Content, DefaultNode, EnvVar, Graph, InChannels, Node as _, NodeTable, OutChannels,
    Output,
};
use tokio::runtime::Runtime;

use super::shape::Shape;
use super::stopwatch::{Timed, timed};

/// Receives from all before it, and sends to all behind.
struct Relay;

#[async_trait]
impl Action for Relay {
    async fn run(&self, from: &mut InChannels, to: &mut OutChannels, _: Arc<EnvVar>) -> Output {
        from.map(|received| received.is_ok()).await;
        to.broadcast(Content::new(())).await;
        Output::empty()
    }
}

/// A graph runs once: it is put together for every run.
pub(crate) fn run<'a>(runtime: &'a Runtime, shape: &'a Shape) -> Timed<'a> {
    Box::new(move || {
        let _inside = runtime.enter();
        let Some(mut graph) = graph(shape) else {
            return Duration::ZERO;
        };
        let mut ended = false;
        let took = timed(|| ended = runtime.block_on(graph.async_start()).is_ok());
        assert!(ended, "dagrs failed");
        took
    })
}

fn graph(shape: &Shape) -> Option<Graph> {
    let mut table = NodeTable::default();
    let mut ids = Vec::new();
    let mut graph = Graph::new();
    for step in 0..shape.steps {
        let node = DefaultNode::with_action(step.to_string(), Relay, &mut table);
        ids.push(node.id());
        graph.add_node(node).ok()?;
    }
    for (from, to) in &shape.edges {
        graph
            .add_edge(ids[*from as usize], [ids[*to as usize]])
            .ok()?;
    }
    graph.set_env(EnvVar::new(table));
    Some(graph)
}
