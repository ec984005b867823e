use std::slice::Iter;

use crate::{FlowReport, StepReport};

/// The steps of a report that are wanted, each followed by those that it ran. What a step ran that is not wanted is left
/// out.
pub(crate) struct Walk<'a> {
    is_wanted: fn(&StepReport) -> bool,
    steps: Vec<Iter<'a, StepReport>>,
    /// Of each of the steps that we are within, what is left of the graphs that it ran.
    reports: Vec<Iter<'a, FlowReport>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(report: &'a FlowReport, is_wanted: fn(&StepReport) -> bool) -> Self {
        Self {
            is_wanted,
            steps: vec![report.steps.iter()],
            reports: Vec::new(),
        }
    }

    /// The next step, and how many others it is within.
    pub(crate) fn next_with_depth(&mut self) -> Option<(usize, &'a StepReport)> {
        while let Some(steps) = self.steps.last_mut() {
            if let Some(step) = steps.find(|step| (self.is_wanted)(step)) {
                let depth = self.steps.len() - 1;
                let mut reports = step.nested.iter();
                if let Some(first) = reports.next() {
                    self.steps.push(first.steps.iter());
                    self.reports.push(reports);
                }
                return Some((depth, step));
            }
            self.steps.pop();
            // The first steps are within none.
            match self.reports.last_mut()?.next() {
                Some(report) => self.steps.push(report.steps.iter()),
                None => {
                    self.reports.pop();
                }
            }
        }
        None
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a StepReport;

    fn next(&mut self) -> Option<&'a StepReport> {
        Some(self.next_with_depth()?.1)
    }
}
