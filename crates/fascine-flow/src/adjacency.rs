use std::ops::Range;

/// The edges at each step, in one block: those of step `n` are between the `n`th start and the next.
#[derive(Debug)]
pub(crate) struct Adjacency {
    starts: Vec<u32>,
    edges: Vec<u32>,
}

impl Adjacency {
    /// Sorts edges by the step that `end` names, by counting.
    pub(crate) fn new<E>(steps: usize, edges: &[E], end: impl Fn(&E) -> u32) -> Self {
        // Counted one place too far, so that placing the edges moves every start to where it belongs.
        let mut starts = vec![0_u32; steps + 2];
        for edge in edges {
            starts[end(edge) as usize + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut sorted = vec![0; edges.len()];
        for (number, edge) in (0_u32..).zip(edges) {
            let place = &mut starts[end(edge) as usize + 1];
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
        &self.edges[self.range(step)]
    }

    /// Where they are in the block: for those who cannot hold on to it meanwhile.
    pub(crate) fn range(&self, step: u32) -> Range<usize> {
        let step = step as usize;
        self.starts[step] as usize..self.starts[step + 1] as usize
    }

    pub(crate) fn at(&self, place: usize) -> u32 {
        self.edges[place]
    }

    pub(crate) fn count(&self, step: u32) -> u32 {
        let step = step as usize;
        self.starts[step + 1] - self.starts[step]
    }
}
