use super::Names;
use crate::data::field::Field;
use crate::data::problem::Problem;
use crate::data::spec::FlowSpec;
use crate::data::spec_error::Complaints;
use crate::data::step_spec::{StepSpec, WhenSpec};
use crate::data::template::{Condition, Reference, Template};

/// Checks what the templates of a step speak of.
pub(super) fn check(
    spec: &FlowSpec,
    names: &Names<'_>,
    step: &StepSpec,
    complaints: &mut Complaints,
) {
    let mut checking = Checking {
        spec,
        names,
        step,
        complaints,
    };
    let field = names.field(step);
    if let Some(items) = &step.for_each {
        checking.value(items, &field.name("for_each"), &[]);
    }
    if let Some(with) = &step.with {
        let more: &[&str] = match (&step.for_each, &step.repeat) {
            (Some(_), _) => &["index", "item"],
            (None, Some(_)) => &["index", "last"],
            (None, None) => &[],
        };
        checking.value(with, &field.name("with"), more);
    }
    if let Some(repeat) = &step.repeat {
        let field = field.name("repeat").name("until");
        checking.condition(&repeat.until, &field, &["index", "output"]);
    }
    for (key, value) in &step.update {
        checking.value(
            value,
            &names.field(step).name("update").name(key),
            &["output"],
        );
    }
    for (number, edge) in step.after.iter().enumerate() {
        if let WhenSpec::Expression(expression) = &edge.when {
            let field = names.field(step).name("after").item(number).name("when");
            checking.condition(expression, &field, &["error", "output"]);
        }
    }
}

struct Checking<'s, 'c> {
    spec: &'s FlowSpec,
    names: &'s Names<'s>,
    step: &'s StepSpec,
    complaints: &'c mut Complaints,
}

/// What everything may speak of.
const EVERYWHERE: [&str; 2] = ["params", "state"];

impl Checking<'_, '_> {
    fn value(&mut self, value: &serde_json::Value, field: &Field, more: &[&str]) {
        let (mut references, mut mistakes) = (Vec::new(), Vec::new());
        Template::new(value, field, &mut references, &mut mistakes);
        for (field, message) in mistakes {
            self.complaints.add(&field, Problem::Template { message });
        }
        let roots = [&EVERYWHERE[..], &["errors", "steps"], more].concat();
        for (field, reference) in references {
            self.reference(&field, &reference, &roots);
        }
    }

    fn condition(&mut self, expression: &str, field: &Field, more: &[&str]) {
        let references = match Condition::new(expression) {
            Ok((_, references)) => references,
            Err(message) => {
                self.complaints.add(field, Problem::Template { message });
                return;
            }
        };
        let roots = [&EVERYWHERE[..], more].concat();
        for reference in references {
            self.reference(field, &reference, &roots);
        }
    }

    fn reference(&mut self, field: &Field, reference: &Reference, roots: &[&str]) {
        let root = &*reference.root;
        if !roots.contains(&root) {
            let known = roots.iter().copied();
            self.complaints.unknown(field, "value", root, known);
            return;
        }
        match (root, &reference.name) {
            ("params", Some(name)) if !self.spec.parameters.contains_key(name) => {
                let known = self.spec.parameters.keys().map(String::as_str);
                self.complaints.unknown(field, "parameter", name, known);
            }
            ("state", Some(key)) if !self.names.state.contains(&**key) => {
                let known = self.names.state.iter().copied();
                let what = "key of the shared state";
                self.complaints.unknown(field, what, key, known);
            }
            ("errors" | "steps", Some(name)) => self.step(field, root, name),
            ("errors" | "steps", None) => {
                let message =
                    format!("a step has to be named: `{root}.NAME` or `{root}[\"NAME\"]`");
                self.complaints.add(field, Problem::Template { message });
            }
            _ => {}
        }
    }

    /// A step that templates speak of leads to theirs.
    fn step(&mut self, field: &Field, root: &str, name: &str) {
        if !self.names.steps.contains_key(name) {
            let known = self.names.steps.keys().copied();
            self.complaints.unknown(field, "step", name, known);
            return;
        }
        let mut before = self.step.after.iter().map(|edge| &*edge.step);
        // A step that is run in place of another gets its error, and no output.
        let rescued = self.names.rescues.get(&*self.step.name);
        let rescued = rescued.filter(|_| root == "errors");
        if !before.any(|before| before == name)
            && !rescued.is_some_and(|rescued| rescued.contains(&name))
        {
            let step = name.to_owned();
            self.complaints.add(field, Problem::NotBefore { step });
        }
    }
}
