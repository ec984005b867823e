/// The edges at each step, in one block: those of step `n` are between the `n`th start and the next.
#[derive(Debug)]
pub(crate) struct Adjacency {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Adjacency {
    /// Sorts edges by the step that `end` names, by counting.
    pub(crate) fn new<E>(steps: usize, edges: &[E], end: impl Fn(&E) -> u32) -> Self {
        let mut starts = vec![0_u32; steps + 1];
        for edge in edges {
            starts[end(edge) as usize + 1] += 1;
        }
        for step in 0..steps {
            starts[step + 1] += starts[step];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; edges.len()];
        for (number, edge) in (0_u32..).zip(edges) {
            let place = &mut next[end(edge) as usize];
            sorted[*place as usize] = number;
            *place += 1;
        }
        Self {
            starts,
            edges: sorted,
        }
    }

    /// The numbers of the edges at a step.
    pub(crate) fn of(&self, step: u32) -> &[u32] {
        let step = step as usize;
        &self.edges[self.starts[step] as usize..self.starts[step + 1] as usize]
    }

    pub(crate) fn count(&self, step: u32) -> u32 {
        let step = step as usize;
        self.starts[step + 1] - self.starts[step]
    }
}
