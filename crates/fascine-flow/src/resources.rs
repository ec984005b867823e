use std::collections::BinaryHeap;

use crate::Graph;
use crate::ready::Ready;

/// The resources of a run, by number: how many places are free, and who waits for one.
#[derive(Debug)]
pub(crate) struct Resources(Vec<Resource>);

#[derive(Debug)]
struct Resource {
    free: usize,
    waiting: BinaryHeap<Ready>,
}

impl Resources {
    pub(crate) fn new(graph: &Graph) -> Self {
        let limits = graph.inner.limits.iter();
        let resources = limits.map(|limit| Resource {
            free: *limit,
            waiting: BinaryHeap::new(),
        });
        Self(resources.collect())
    }

    /// Takes a place for the step, or lets it wait for one.
    pub(crate) fn take(&mut self, graph: &Graph, step: u32, rank: Ready) -> bool {
        match self.of(graph, step) {
            Some(resource) if resource.free == 0 => {
                resource.waiting.push(rank);
                false
            }
            Some(resource) => {
                resource.free -= 1;
                true
            }
            None => true,
        }
    }

    /// Gives the step's place back; the next one that waits for it can try again.
    pub(crate) fn give_back(&mut self, graph: &Graph, step: u32) -> Option<Ready> {
        let resource = self.of(graph, step)?;
        resource.free += 1;
        resource.waiting.pop()
    }

    fn of(&mut self, graph: &Graph, step: u32) -> Option<&mut Resource> {
        let more = graph.inner.steps[step as usize].settings.more.as_ref()?;
        self.0.get_mut(more.resource_number?)
    }
}
