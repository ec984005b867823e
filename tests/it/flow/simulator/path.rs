use std::time::Duration;

use fascine::flow::Status;

use super::simulation::Simulation;
use crate::flow::sketch::Sketch;

impl Sketch {
    pub(super) fn chain_costs(&self) -> Vec<u64> {
        let (edges, mut costs) = (self.all_edges(), vec![0; self.steps.len()]);
        loop {
            let cost = |step: usize| {
                let behind = edges.iter().filter(|edge| edge.from == step);
                let behind = behind.map(|edge| costs[edge.to]).max();
                behind.unwrap_or(0) + u64::from(self.steps[step].cost)
            };
            let more: Vec<u64> = (0..costs.len()).map(cost).collect();
            if more == costs {
                return costs;
            }
            costs = more;
        }
    }
}

impl Simulation<'_> {
    /// How long the longest chain of steps took, of which each waited for the one before.
    pub(super) fn critical_path(&self) -> Duration {
        let mut chains = vec![Duration::ZERO; self.steps.len()];
        loop {
            let longer: Vec<_> = (0..chains.len())
                .map(|step| self.chain(step, &chains))
                .collect();
            if longer == chains {
                return chains.into_iter().max().unwrap_or_default();
            }
            chains = longer;
        }
    }

    fn chain(&self, step: usize, chains: &[Duration]) -> Duration {
        let state = &self.steps[step];
        let edges = (0..self.edges.len()).filter(|edge| self.edges[*edge].to == step);
        let before = edges.filter(|edge| {
            let settled = self.settled[*edge];
            // A join that had enough does not wait for the rest.
            settled.is_some_and(|(_, at)| state.started.is_none_or(|started| at <= started))
        });
        let before = before.map(|edge| {
            let from = self.edges[edge].from;
            chains[self.speaks_for(from, step)]
        });
        let waited = before.max().unwrap_or_default();
        waited + self.ended(step).elapsed
    }

    /// A step that has failed is waited for until what runs in its place has ended.
    fn speaks_for(&self, step: usize, waiting: usize) -> usize {
        match self.sketch.steps[step].fallback() {
            Some(other) if self.steps[step].status == Status::Failed && other != waiting => {
                self.speaks_for(other, waiting)
            }
            _ => step,
        }
    }
}
