use super::net::Net;

/// Orders each layer so that few links cross: sweeps down and up that put each node at the median of its neighbours in
/// the layer before, after P. Eades and N. Wormald, "Edge crossings in drawings of bipartite graphs", 1994. The best
/// order of all sweeps wins.
pub(super) fn reduce(net: &Net) -> Vec<Vec<usize>> {
    let mut order = first(net);
    let mut best = order.clone();
    let mut fewest = crossings(net, &order);
    let mut places = vec![0; net.nodes.len()];
    let mut fruitless = 0;
    for sweep in 0..SWEEPS {
        if fewest == 0 || fruitless == PATIENCE {
            break;
        }
        let goes_down = sweep % 2 == 0;
        let depth = order.len();
        for step in 1..depth {
            let layer = if goes_down { step } else { depth - 1 - step };
            let (fixed, links) = if goes_down {
                (layer - 1, &net.before)
            } else {
                (layer + 1, &net.after)
            };
            note_places(&order[fixed], &mut places);
            sort_by_median(&mut order[layer], links, &places);
        }
        let now = crossings(net, &order);
        if now < fewest {
            fewest = now;
            best.clone_from(&order);
            fruitless = 0;
        } else {
            fruitless += 1;
        }
    }
    best
}

/// The order in which a walk into the depth comes by: trees do not cross at all.
fn first(net: &Net) -> Vec<Vec<usize>> {
    let mut order: Vec<Vec<usize>> = net.layers.iter().map(|_| Vec::new()).collect();
    let mut seen = vec![false; net.nodes.len()];
    let roots = (0..net.nodes.len()).rev();
    let mut open: Vec<usize> = roots
        .clone()
        .filter(|node| !net.before[*node].is_empty())
        .collect();
    open.extend(roots.filter(|node| net.before[*node].is_empty()));
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            order[net.nodes[node].layer].push(node);
            open.extend(net.after[node].iter().rev().filter(|next| !seen[**next]));
        }
    }
    order
}

fn note_places(layer: &[usize], places: &mut [usize]) {
    for (place, node) in layer.iter().enumerate() {
        places[*node] = place;
    }
}

/// Nodes without neighbours keep their places; the others share what is left.
fn sort_by_median(layer: &mut [usize], links: &[Vec<usize>], places: &[usize]) {
    let mut sorted: Vec<(f64, usize)> = layer
        .iter()
        .filter_map(|node| Some((median(&links[*node], places)?, *node)))
        .collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut sorted = sorted.into_iter();
    for node in layer {
        if !links[*node].is_empty()
            && let Some((_, next)) = sorted.next()
        {
            *node = next;
        }
    }
}

fn median(neighbours: &[usize], places: &[usize]) -> Option<f64> {
    let mut at: Vec<usize> = neighbours.iter().map(|node| places[*node]).collect();
    at.sort_unstable();
    let middle = at.len() / 2;
    let upper = *at.get(middle)? as f64;
    if at.len() % 2 == 1 {
        return Some(upper);
    }
    Some((at[middle - 1] as f64 + upper) / 2.0)
}

/// Counts crossings, layer by layer, as inversions: W. Barth, M. Jünger and P. Mutzel, "Simple and efficient bilayer
/// cross counting", 2002.
fn crossings(net: &Net, order: &[Vec<usize>]) -> u64 {
    let mut places = vec![0; net.nodes.len()];
    let mut crossings = 0;
    for pair in order.windows(2) {
        note_places(&pair[1], &mut places);
        let mut tree = vec![0_u64; pair[1].len() + 1];
        let mut links = 0;
        for node in &pair[0] {
            let mut ends: Vec<usize> = net.after[*node].iter().map(|to| places[*to]).collect();
            ends.sort_unstable();
            for end in &ends {
                crossings += links - count_up_to(&tree, *end);
            }
            for end in ends {
                add(&mut tree, end);
                links += 1;
            }
        }
    }
    crossings
}

/// A Fenwick tree: how many links end at this place or before it.
fn count_up_to(tree: &[u64], place: usize) -> u64 {
    let mut at = place + 1;
    let mut count = 0;
    while at > 0 {
        count += tree[at];
        at &= at - 1;
    }
    count
}

fn add(tree: &mut [u64], place: usize) {
    let mut at = place + 1;
    while at < tree.len() {
        tree[at] += 1;
        at += at & at.wrapping_neg();
    }
}

const SWEEPS: usize = 24;
const PATIENCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::{Size, Wire, layers};
    use super::*;

    fn net(boxes: usize, wires: &[(usize, usize)]) -> Net {
        let wire = |(from, to): &(usize, usize)| Wire {
            from: *from,
            to: *to,
            label: None,
        };
        let wires: Vec<Wire> = wires.iter().map(wire).collect();
        let layers = layers::layers(boxes, &wires);
        Net::new(&vec![Size::default(); boxes], &wires, &layers)
    }

    #[test]
    fn crossings_are_counted() {
        let net = net(4, &[(0, 3), (1, 2), (0, 2), (1, 3)]);
        assert_eq!(crossings(&net, &[vec![0, 1], vec![2, 3]]), 1);
        let net = self::net(6, &[(0, 5), (1, 4), (2, 3)]);
        assert_eq!(crossings(&net, &[vec![0, 1, 2], vec![3, 4, 5]]), 3);
        assert_eq!(crossings(&net, &[vec![0, 1, 2], vec![5, 4, 3]]), 0);
    }

    #[test]
    fn what_can_be_drawn_without_crossings_is() {
        let net = net(7, &[(0, 6), (1, 5), (2, 4), (6, 3), (5, 3), (4, 3)]);
        assert_eq!(crossings(&net, &reduce(&net)), 0);
    }
}
