use super::RunState;
use crate::edge_state::EdgeState;
use crate::step_context::Input;

/// How outputs are passed on, and when they are let go.
impl RunState {
    /// Hands over what comes along the live edges. Whoever reads an output last gets it itself.
    pub(super) fn take_inputs(&mut self, step: u32, inputs: &mut Vec<(u32, Input)>) {
        for place in self.graph.inner.incoming.range(step) {
            let number = self.graph.inner.incoming.at(place) as usize;
            let (edge, from) = (self.edges[number], self.graph.inner.edges[number].from);
            if edge == EdgeState::Open {
                continue;
            }
            let source = &mut self.steps[from as usize];
            source.readers -= 1;
            let is_last = source.readers == 0 && !self.keeps(from);
            let source = &mut self.steps[from as usize];
            let input = match edge {
                EdgeState::Live if is_last => source.output.take().map(Ok),
                EdgeState::Live => source.output.clone().map(Ok),
                EdgeState::LiveError | EdgeState::Rescue => {
                    let trouble = source.trouble.as_ref();
                    trouble.and_then(|trouble| trouble.error.clone()).map(Err)
                }
                _ => None,
            };
            inputs.extend(input.map(|input| (from, input)));
            if is_last {
                self.effects.garbage.extend(source.output.take());
            }
        }
        inputs.sort_unstable_by_key(|(from, _)| *from);
    }

    /// A step will never take its inputs.
    pub(super) fn release_inputs(&mut self, step: u32) {
        for place in self.graph.inner.incoming.range(step) {
            let number = self.graph.inner.incoming.at(place) as usize;
            if self.edges[number] != EdgeState::Open {
                self.release(self.graph.inner.edges[number].from);
            }
        }
    }

    pub(super) fn release(&mut self, from: u32) {
        self.steps[from as usize].readers -= 1;
        self.drop_unread(from);
    }

    /// Lets an output go that nobody will read.
    pub(super) fn drop_unread(&mut self, step: u32) {
        if self.steps[step as usize].readers == 0 && !self.keeps(step) {
            let output = self.steps[step as usize].output.take();
            self.effects.garbage.extend(output);
        }
    }
}
