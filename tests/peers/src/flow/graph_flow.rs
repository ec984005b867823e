use std::sync::Arc;

use async_trait::async_trait;
use graph_flow::{
    Context, ExecutionStatus, GraphBuilder, NextAction, Result, Session, Task, TaskResult,
};
use tokio::runtime::Runtime;

use super::stopwatch::{Timed, timed};

struct Link {
    id: String,
    next: NextAction,
}

#[async_trait]
impl Task for Link {
    fn id(&self) -> &str {
        &self.id
    }

    async fn run(&self, _: Context) -> Result<TaskResult> {
        Ok(TaskResult::new(None, self.next.clone()))
    }
}

pub(crate) fn chain(runtime: &Runtime, steps: u32) -> Timed<'_> {
    let mut graph = GraphBuilder::new("chain");
    for step in 0..steps {
        let next = if step + 1 == steps {
            NextAction::End
        } else {
            NextAction::ContinueAndExecute
        };
        let id = step.to_string();
        graph = graph.add_task(Arc::new(Link { id, next }));
    }
    for step in 1..steps {
        graph = graph.add_edge((step - 1).to_string(), step.to_string());
    }
    let graph = graph.build();
    Box::new(move || {
        let mut ended = false;
        let took = timed(|| {
            if let Ok(graph) = &graph {
                let mut session = Session::new_from_task("run".to_owned(), "0");
                ended = runtime.block_on(async {
                    loop {
                        match graph.execute_session(&mut session).await {
                            Ok(result) => match result.status {
                                ExecutionStatus::Paused { .. } => {}
                                _ => break true,
                            },
                            Err(_) => break false,
                        }
                    }
                });
            }
        });
        assert!(ended, "graph-flow failed");
        took
    })
}
