use super::{BOX_GAP, Direction, LAYER_GAP, Size, Wire};

/// The boxes, with turning points for the wires in every layer that they pass: its links join neighbouring layers only.
pub(super) struct Net {
    /// The boxes, then the turning points.
    pub(super) nodes: Vec<Node>,
    /// How many of them are boxes.
    pub(super) boxes: usize,
    /// For each layer, what is in it.
    pub(super) layers: Vec<Vec<usize>>,
    /// For each node, its neighbours in the layer before and in the one after.
    pub(super) before: Vec<Vec<usize>>,
    pub(super) after: Vec<Vec<usize>>,
    /// The nodes that each wire passes, ends included.
    pub(super) chains: Vec<Chain>,
}

pub(super) struct Node {
    pub(super) layer: usize,
    pub(super) size: Size,
}

pub(super) struct Chain {
    pub(super) nodes: Vec<usize>,
    /// The one of them that is as large as the label.
    pub(super) label: Option<usize>,
}

impl Net {
    pub(super) fn new(boxes: &[Size], wires: &[Wire], layers: &[usize]) -> Self {
        let nodes = boxes.iter().zip(layers);
        let mut nodes: Vec<Node> = nodes
            .map(|(size, layer)| Node {
                layer: *layer,
                size: *size,
            })
            .collect();
        let span = |wire: &Wire| layers[wire.to] - layers[wire.from];
        let turns: usize = wires.iter().map(|wire| span(wire) - 1).sum();
        let chains = wires.iter().map(|wire| {
            let (from, to) = (layers[wire.from], layers[wire.to]);
            let middle = (from + to).div_ceil(2);
            let mut chain = Chain {
                nodes: vec![wire.from],
                label: None,
            };
            for layer in from + 1..to {
                let label = wire.label.filter(|_| layer == middle);
                if turns > MOST_TURNS && label.is_none() {
                    continue;
                }
                if label.is_some() {
                    chain.label = Some(nodes.len());
                }
                chain.nodes.push(nodes.len());
                let size = label.unwrap_or_default();
                nodes.push(Node { layer, size });
            }
            chain.nodes.push(wire.to);
            chain
        });
        let chains: Vec<Chain> = chains.collect();
        Self::link(boxes.len(), nodes, chains)
    }

    fn link(boxes: usize, nodes: Vec<Node>, chains: Vec<Chain>) -> Self {
        let depth = nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
        let mut layers = vec![Vec::new(); depth];
        for (number, node) in nodes.iter().enumerate() {
            layers[node.layer].push(number);
        }
        let mut before = vec![Vec::new(); nodes.len()];
        let mut after = vec![Vec::new(); nodes.len()];
        for chain in &chains {
            for link in chain.nodes.windows(2) {
                if nodes[link[0]].layer + 1 == nodes[link[1]].layer {
                    after[link[0]].push(link[1]);
                    before[link[1]].push(link[0]);
                }
            }
        }
        Self {
            nodes,
            boxes,
            layers,
            before,
            after,
            chains,
        }
    }

    pub(super) fn is_turn(&self, node: usize) -> bool {
        node >= self.boxes
    }

    /// The direction in which the whole comes nearer to the shape of a page.
    pub(super) fn direction(&self) -> Direction {
        let [mut along_right, mut across_right] = [0.0_f64; 2];
        let [mut along_down, mut across_down] = [0.0_f64; 2];
        for layer in &self.layers {
            let sizes = || layer.iter().map(|node| self.nodes[*node].size);
            along_right += LAYER_GAP + sizes().map(|size| size.width).fold(0.0, f64::max);
            along_down += LAYER_GAP + sizes().map(|size| size.height).fold(0.0, f64::max);
            across_right = across_right.max(sizes().map(|size| size.height + BOX_GAP).sum());
            across_down = across_down.max(sizes().map(|size| size.width + BOX_GAP).sum());
        }
        let pages = |width: f64, height: f64| (width / PAGE.width).max(height / PAGE.height);
        if pages(across_down, along_down) < pages(along_right, across_right) {
            Direction::Down
        } else {
            Direction::Right
        }
    }
}

impl Size {
    /// How much room it takes across the direction of the edges.
    pub(super) fn across(self, direction: Direction) -> f64 {
        match direction {
            Direction::Down => self.width,
            Direction::Right => self.height,
        }
    }

    pub(super) fn along(self, direction: Direction) -> f64 {
        match direction {
            Direction::Down => self.height,
            Direction::Right => self.width,
        }
    }
}

/// More turning points than this take longer than they are worth.
const MOST_TURNS: usize = 20_000;

/// What is looked at without scrolling.
const PAGE: Size = Size {
    width: 1100.0,
    height: 900.0,
};
