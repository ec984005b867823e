//! Places boxes in layers so that edges point one way and cross seldom: the method of K. Sugiyama, S. Tagawa and M. Toda,
//! "Methods for visual understanding of hierarchical system structures", 1981, as refined by E. Gansner et al., "A
//! technique for drawing directed graphs", 1993.

mod coordinates;
mod crossings;
mod layers;
mod net;
mod routes;

use net::Net;

/// Which way edges point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Right,
}

/// In CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// An edge to be routed, with the size of its label.
pub(crate) struct Wire {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) label: Option<Size>,
}

/// Where everything goes, from (0, 0) on.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) direction: Direction,
    /// The middle of each box.
    pub(crate) boxes: Vec<Point>,
    pub(crate) routes: Vec<Route>,
    pub(crate) size: Size,
}

/// The way of an edge: it runs along the direction at every second line between points, and swings in between.
#[derive(Debug, Default)]
pub(crate) struct Route {
    pub(crate) points: Vec<Point>,
    /// The middle of its label.
    pub(crate) label: Option<Point>,
}

/// Places boxes and routes wires between them. The wires make no circle.
///
/// The time is `O(e log e)` in the wires and what is put on their way, with a bounded number of sweeps. Where long wires
/// would need more than some ten thousand turning points, they go straight and may pass behind boxes.
pub(crate) fn layout(boxes: &[Size], wires: &[Wire]) -> Layout {
    let layers = layers::layers(boxes.len(), wires);
    let net = Net::new(boxes, wires, &layers);
    let direction = net.direction();
    let order = crossings::reduce(&net);
    let cross = coordinates::across(&net, &order, direction);
    routes::routes(&net, &order, &cross, direction)
}

/// Between the layers, and between neighbours in one.
const LAYER_GAP: f64 = 44.0;
const BOX_GAP: f64 = 16.0;
