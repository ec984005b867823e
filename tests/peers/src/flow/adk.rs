use adk_graph::edge::{END, START};
use adk_graph::graph::StateGraph;
use adk_graph::node::{ExecutionConfig, NodeOutput};
use tokio::runtime::Runtime;

use super::stopwatch::{Timed, timed};

pub(crate) fn chain(runtime: &Runtime, steps: u32) -> Timed<'_> {
    let mut graph = StateGraph::with_channels(&["x"]);
    for step in 0..steps {
        graph = graph.add_node_fn(&step.to_string(), |_| async { Ok(NodeOutput::new()) });
    }
    graph = graph.add_edge(START, "0");
    for step in 1..steps {
        graph = graph.add_edge(&(step - 1).to_string(), &step.to_string());
    }
    graph = graph.add_edge(&(steps - 1).to_string(), END);
    let limit = steps as usize * 2;
    let graph = graph
        .compile()
        .map(|graph| graph.with_recursion_limit(limit));
    Box::new(move || {
        let mut ended = false;
        let took = timed(|| {
            if let Ok(graph) = &graph {
                let mut config = ExecutionConfig::new("run");
                config.recursion_limit = limit;
                ended = runtime
                    .block_on(graph.invoke(Default::default(), config))
                    .is_ok();
            }
        });
        assert!(ended, "adk-graph failed");
        took
    })
}
