use std::borrow::Cow;

use super::text as measure;
use crate::{GraphView, StepView};

/// A row of a timeline.
pub(crate) enum Row<'a> {
    Step(&'a StepView),
    /// What is said of steps within the one before that are not shown.
    LeftOut(String),
}

impl Row<'_> {
    /// What stands before it.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Step(step) if step.depth == 0 => measure::cut(&step.name, 12.0, NAMES),
            // Paths differ at their ends.
            Self::Step(step) => measure::cut_front(&step.path, 12.0, NAMES),
            Self::LeftOut(_) => Cow::Borrowed(""),
        }
    }
}

/// The rows in order: what began, each followed by what it ran.
pub(crate) fn rows(view: &GraphView) -> Vec<Row<'_>> {
    let has_begun = |step: &&StepView| step.started.is_some();
    let mut outer: Vec<&StepView> = view.steps.iter().filter(has_begun).collect();
    outer.sort_by_key(|step| step.started);
    let mut rows = Vec::new();
    for step in outer {
        rows.push(Row::Step(step));
        rows.extend(step.nested.iter().filter(has_begun).map(Row::Step));
        rows.extend(step.left_out().map(Row::LeftOut));
    }
    rows
}

/// How wide the names may be.
const NAMES: f64 = 220.0;
