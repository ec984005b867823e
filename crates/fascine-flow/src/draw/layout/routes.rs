use super::net::Net;
use super::{Direction, LAYER_GAP, Layout, Point, Route, Size};

/// Turns layers and places across them into points.
pub(super) fn routes(
    net: &Net,
    order: &[Vec<usize>],
    cross: &[f64],
    direction: Direction,
) -> Layout {
    let along = |node: usize| net.nodes[node].size.along(direction);
    // Where each layer begins and ends.
    let mut bands = Vec::with_capacity(order.len());
    let mut begin = 0.0;
    for layer in order {
        let thickness = layer.iter().map(|node| along(*node)).fold(0.0, f64::max);
        bands.push((begin, begin + thickness));
        begin += thickness + LAYER_GAP;
    }
    let point = |along: f64, across: f64| match direction {
        Direction::Down => Point {
            x: across,
            y: along,
        },
        Direction::Right => Point {
            x: along,
            y: across,
        },
    };
    let middle = |node: usize| {
        let (begin, end) = bands[net.nodes[node].layer];
        point((begin + end) / 2.0, cross[node])
    };
    let routes = net.chains.iter().map(|chain| {
        let mut points = Vec::with_capacity(2 * chain.nodes.len());
        let last = chain.nodes.len() - 1;
        for (number, node) in chain.nodes.iter().enumerate() {
            let (begin, end) = bands[net.nodes[*node].layer];
            let (centre, half) = ((begin + end) / 2.0, along(*node) / 2.0);
            // Straight through the layer of a turning point, straight out of a box and into one.
            let (enters, leaves) = match number {
                0 => (centre + half, end),
                _ if number == last => (begin, centre - half),
                _ => (begin, end),
            };
            points.push(point(enters, cross[*node]));
            points.push(point(leaves, cross[*node]));
        }
        Route {
            points,
            label: chain.label.map(middle),
        }
    });
    let across = cross.iter().enumerate();
    let across = across.map(|(node, at)| at + net.nodes[node].size.across(direction) / 2.0);
    let end = point(
        bands.last().map_or(0.0, |band| band.1),
        across.fold(0.0, f64::max),
    );
    Layout {
        direction,
        boxes: (0..net.boxes).map(middle).collect(),
        routes: routes.collect(),
        size: Size {
            width: end.x,
            height: end.y,
        },
    }
}
