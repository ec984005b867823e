use std::borrow::Cow;

use super::{EdgeView, GraphView, StepView};

impl GraphView {
    /// What is shown where more than so many steps cannot be read.
    pub(crate) fn drawn(&self) -> Cow<'_, Self> {
        let chosen = choose(&self.steps, Self::DRAWN);
        let steps = || chosen.iter().map(|step| &self.steps[*step]);
        let outer = steps().filter(|step| !step.nested.is_empty()).count();
        let most = (Self::DRAWN / outer.max(1)).clamp(1, Self::DRAWN_WITHIN);
        let is_whole = chosen.len() == self.steps.len();
        if is_whole && steps().all(|step| step.nested.len() <= most) {
            return Cow::Borrowed(self);
        }
        let mut places = vec![None; self.steps.len()];
        for (place, step) in chosen.iter().enumerate() {
            places[*step] = Some(place);
        }
        let edges = self.edges.iter().filter_map(|edge| {
            let (from, to) = (places[edge.from]?, places[edge.to]?);
            let edge = edge.clone();
            Some(EdgeView { from, to, ..edge })
        });
        Cow::Owned(Self {
            title: self.title.clone(),
            steps: steps().map(|step| step.with_at_most(most)).collect(),
            edges: edges.collect(),
            ending: self.ending.clone(),
            hidden: self.steps.len() - chosen.len(),
            ..*self
        })
    }
}

impl StepView {
    /// With no more steps within it than that.
    fn with_at_most(&self, most: usize) -> Self {
        let chosen = choose(&self.nested, most);
        Self {
            name: self.name.clone(),
            path: self.path.clone(),
            errors: self.errors.clone(),
            skip_cause: self.skip_cause.clone(),
            hidden: self.nested.len() - chosen.len(),
            nested: chosen
                .iter()
                .map(|step| self.nested[*step].clone())
                .collect(),
            ..*self
        }
    }
}

/// The places of those to show, in order: what is in trouble is chosen first.
fn choose(steps: &[StepView], most: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..steps.len()).collect();
    chosen.sort_by_key(|step| !steps[*step].is_in_trouble());
    chosen.truncate(most);
    chosen.sort_unstable();
    chosen
}
