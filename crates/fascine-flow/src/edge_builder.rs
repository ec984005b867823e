use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::edge::{Condition, Edge, Seen};
use crate::{GraphBuilder, StepResult};

/// Sets what an edge that was just added is like. Nothing has to be set: it is live once its source has completed.
pub struct EdgeBuilder<'a> {
    graph: &'a mut GraphBuilder,
}

impl<'a> EdgeBuilder<'a> {
    pub(crate) fn new(graph: &'a mut GraphBuilder) -> Self {
        Self { graph }
    }

    /// Sets when it is live. It is asked once, by the task of the step where the edge begins.
    pub fn when(self, condition: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        self.set(|edge| edge.more().condition = Condition::When(Arc::new(condition)))
    }

    /// Sets when it is live, by something that may fail: then the step where the edge ends does.
    pub fn try_when(
        self,
        condition: impl Fn(&Seen) -> StepResult<bool> + Send + Sync + 'static,
    ) -> Self {
        self.set(|edge| edge.more().condition = Condition::TryWhen(Arc::new(condition)))
    }

    /// Sets when it is live, by something that takes its time.
    ///
    /// The conditions of the edges out of one step are asked at once, and what depends on them waits until all have
    /// answered; edges without a condition do not. The step keeps its place until then. In a run that is
    /// [recorded](crate::Flow::with_checkpoint), all its edges wait, so that one record tells what came of it.
    pub fn when_async<F, Fut>(self, condition: F) -> Self
    where
        F: Fn(Seen) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let condition =
            Arc::new(move |seen| -> fascine_rt::BoxFuture<bool> { Box::pin(condition(seen)) });
        self.set(|edge| edge.more().condition = Condition::WhenAsync(condition))
    }

    /// Makes it live when no other edge with a condition is, of those that leave the same step.
    pub fn otherwise(self) -> Self {
        self.set(|edge| edge.more().condition = Condition::Otherwise)
    }

    /// Sets what is written on it.
    pub fn label(self, label: impl Into<Arc<str>>) -> Self {
        self.set(|edge| edge.more().label = Some(label.into()))
    }

    fn set(self, set: impl FnOnce(&mut Edge)) -> Self {
        if let Some(edge) = self.graph.edges.last_mut() {
            set(edge);
        }
        self
    }
}

impl fmt::Debug for EdgeBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = self.graph.edges.last();
        let ends = edge.map(|edge| (&edge.from, &edge.to, &edge.more));
        f.debug_tuple("EdgeBuilder").field(&ends).finish()
    }
}
