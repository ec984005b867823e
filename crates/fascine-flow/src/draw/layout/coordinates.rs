use super::net::Net;
use super::{BOX_GAP, Direction};

/// Gives each node its place across the direction: as near to its neighbours as the order and the sizes allow.
///
/// Sweeps down and up, as in Sugiyama's priority method; but each layer is placed by what minimizes the sum of weighted
/// squares of the distances to the wanted places, which isotonic regression finds in linear time: M. Ayer et al., "An
/// empirical distribution function for sampling with incomplete information", 1955.
pub(super) fn across(net: &Net, order: &[Vec<usize>], direction: Direction) -> Vec<f64> {
    let size = |node: usize| net.nodes[node].size.across(direction);
    let mut at = vec![0.0; net.nodes.len()];
    for layer in order {
        let mut edge = 0.0;
        for node in layer {
            at[*node] = edge + size(*node) / 2.0;
            edge += size(*node) + gap(net, *node);
        }
        layer.iter().for_each(|node| at[*node] -= edge / 2.0);
    }
    for sweep in 0..SWEEPS {
        let goes_down = sweep % 2 == 0;
        for step in 0..order.len() {
            let layer = if goes_down {
                step
            } else {
                order.len() - 1 - step
            };
            let wants: Vec<Want> = order[layer]
                .iter()
                .map(|node| {
                    let links = match (sweep + SETTLING >= SWEEPS, goes_down) {
                        (true, _) => [&net.before[*node][..], &net.after[*node][..]],
                        (_, true) => [&net.before[*node][..], &[]],
                        (_, false) => [&net.after[*node][..], &[]],
                    };
                    want(net, *node, links, &at)
                })
                .collect();
            place(net, &order[layer], &wants, &size, &mut at);
        }
    }
    let nodes = at.iter().enumerate();
    let least = nodes.map(|(node, at)| at - size(node) / 2.0);
    let least = least.fold(f64::INFINITY, f64::min);
    at.iter_mut().for_each(|at| *at -= least);
    at
}

#[derive(Clone, Copy)]
struct Want {
    at: f64,
    weight: f64,
}

/// The middle of its neighbours. A chain wants to be straight more than a box wants to be in the middle of many.
fn want(net: &Net, node: usize, links: [&[usize]; 2], at: &[f64]) -> Want {
    let (mut sum, mut weight) = (0.0, 0.0);
    for neighbour in links.into_iter().flatten() {
        let pull = if is_sole(net, node, *neighbour) {
            STIFF
        } else {
            1.0
        };
        sum += pull * at[*neighbour];
        weight += pull;
    }
    if weight == 0.0 {
        return Want {
            at: at[node],
            weight: 0.1,
        };
    }
    Want {
        at: sum / weight,
        weight,
    }
}

/// Whether a link is the only one of both nodes on that side.
fn is_sole(net: &Net, one: usize, other: usize) -> bool {
    let (upper, lower) = if net.nodes[one].layer < net.nodes[other].layer {
        (one, other)
    } else {
        (other, one)
    };
    net.after[upper].len() == 1 && net.before[lower].len() == 1
}

/// Pools neighbours that would overlap, until none do.
fn place(net: &Net, layer: &[usize], wants: &[Want], size: &impl Fn(usize) -> f64, at: &mut [f64]) {
    // Where each would be if all were pushed together: without that, the order is all that must hold.
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (place, node) in layer.iter().enumerate() {
        if place > 0 {
            let last = layer[place - 1];
            offset += (size(last) + size(*node)) / 2.0 + gap(net, last);
        }
        offsets.push(offset);
    }
    let mut pools: Vec<(Want, usize)> = Vec::new();
    for (want, offset) in wants.iter().zip(&offsets) {
        let mut pool = Want {
            at: want.at - offset,
            ..*want
        };
        let mut count = 1;
        while let Some((last, members)) = pools.pop_if(|(last, _)| last.at > pool.at) {
            let weight = last.weight + pool.weight;
            pool.at = (last.at * last.weight + pool.at * pool.weight) / weight;
            pool.weight = weight;
            count += members;
        }
        pools.push((pool, count));
    }
    let pooled = pools.into_iter();
    let pooled = pooled.flat_map(|(pool, count)| std::iter::repeat_n(pool.at, count));
    for ((node, offset), pooled) in layer.iter().zip(offsets).zip(pooled) {
        at[*node] = pooled + offset;
    }
}

fn gap(net: &Net, node: usize) -> f64 {
    if net.is_turn(node) {
        BOX_GAP * 0.75
    } else {
        BOX_GAP
    }
}

/// How much more a chain wants to be straight.
const STIFF: f64 = 50.0;

const SWEEPS: usize = 12;

/// The last sweeps, which look at both sides.
const SETTLING: usize = 6;
