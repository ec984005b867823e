use super::Wire;

/// Gives each box a layer: wires lead from a lower to a higher one, and those with a label pass one in between.
///
/// Each box goes as near to the beginning as it can (the longest path to it), and then, if that shortens more wires than
/// it stretches, as near to what follows it as it can.
pub(super) fn layers(boxes: usize, wires: &[Wire]) -> Vec<usize> {
    let mut outgoing = vec![Vec::new(); boxes];
    let mut waiting = vec![0_usize; boxes];
    for wire in wires {
        outgoing[wire.from].push((wire.to, span(wire)));
        waiting[wire.to] += 1;
    }
    let incoming = waiting.clone();
    let mut layers = vec![0; boxes];
    let mut order: Vec<usize> = (0..boxes).filter(|step| waiting[*step] == 0).collect();
    let mut next = 0;
    while let Some(&from) = order.get(next) {
        next += 1;
        for (to, span) in &outgoing[from] {
            layers[*to] = layers[*to].max(layers[from] + span);
            waiting[*to] -= 1;
            if waiting[*to] == 0 {
                order.push(*to);
            }
        }
    }
    for from in order.into_iter().rev() {
        let latest = outgoing[from].iter().map(|(to, span)| layers[*to] - span);
        if let Some(latest) = latest.min()
            && outgoing[from].len() > incoming[from]
        {
            layers[from] = latest;
        }
    }
    layers
}

fn span(wire: &Wire) -> usize {
    1 + usize::from(wire.label.is_some())
}
