use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::StepView;

/// Gives each step that began a lane in which it is alone while it runs, the lowest that is free: there are as many
/// lanes as steps ran at once at most (the greedy interval partition of J. Kleinberg and É. Tardos, "Algorithm Design",
/// 2005, section 4.1).
pub(crate) fn lanes(steps: &[&StepView]) -> Vec<Option<usize>> {
    let began = steps.iter().enumerate();
    let mut began: Vec<(Duration, usize)> = began
        .filter_map(|(number, step)| Some((step.started?, number)))
        .collect();
    began.sort_unstable();
    let mut lanes = vec![None; steps.len()];
    let mut busy: BinaryHeap<Reverse<(Duration, usize)>> = BinaryHeap::new();
    let mut free: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    let mut count = 0;
    for (start, number) in began {
        while let Some(Reverse((end, lane))) = busy.peek().copied()
            && end <= start
        {
            busy.pop();
            free.push(Reverse(lane));
        }
        let lane = free.pop().map_or(count, |Reverse(lane)| lane);
        count = count.max(lane + 1);
        lanes[number] = Some(lane);
        let end = start.saturating_add(steps[number].elapsed);
        busy.push(Reverse((end, lane)));
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_lanes_as_ran_at_once() {
        let step = |(started, elapsed): (u64, u64)| StepView {
            started: Some(Duration::from_secs(started)),
            elapsed: Duration::from_secs(elapsed),
            ..StepView::default()
        };
        let mut steps: Vec<StepView> = [(0, 3), (0, 1), (1, 1), (2, 9), (3, 0)].map(step).into();
        steps.push(StepView::default());
        let at = [Some(0), Some(1), Some(1), Some(1), Some(0), None];
        assert_eq!(lanes(&steps.iter().collect::<Vec<_>>()), at);
    }
}
