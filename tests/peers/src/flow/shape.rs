/// Steps and the edges between them, by their numbers; every edge leads from a lower to a higher one.
pub(crate) struct Shape {
    pub(crate) steps: u32,
    pub(crate) edges: Vec<(u32, u32)>,
}

impl Shape {
    pub(crate) fn chain(steps: u32) -> Self {
        let edges = (1..steps).map(|step| (step - 1, step)).collect();
        Self { steps, edges }
    }

    /// One step, all others but one behind it, and one behind those.
    pub(crate) fn fan_out(steps: u32) -> Self {
        let last = steps - 1;
        let edges = (1..last).flat_map(|step| [(0, step), (step, last)]);
        Self {
            steps,
            edges: edges.collect(),
        }
    }

    /// Each step waits for two of the layer before.
    pub(crate) fn layers(depth: u32, width: u32) -> Self {
        let edges = (1..depth).flat_map(|layer| {
            (0..width).flat_map(move |place| {
                let (before, step) = ((layer - 1) * width, layer * width + place);
                [(before + place, step), (before + (place + 1) % width, step)]
            })
        });
        Self {
            steps: depth * width,
            edges: edges.collect(),
        }
    }
}
