use serde_json::Value;

use super::field::Field;
use super::operation_error::OperationError;
use super::operations::Operation;
use super::scopes::StepScope;
use super::step_spec::StepSpec;
use super::template::{Item, References, Scope, Template, from_json};
use crate::{StepContext, StepResult};

/// What a step from data does: it fills its templates, calls its operation, and puts what it is told to into the shared
/// state.
pub(crate) struct StepWork {
    operation: Operation,
    scope: StepScope,
    with: Option<(Field, Template)>,
    update: Vec<(String, Field, Template)>,
}

impl StepWork {
    /// Of a step that was checked.
    pub(crate) fn new(step: &StepSpec, operation: &Operation, parameters: &Item) -> Self {
        let mut references = References::new();
        let mut template =
            |value, field: &Field| Template::new(value, field, &mut references, &mut Vec::new());
        let with = step.with.as_ref().map(|with| {
            let field = Field::root().name("with");
            let template = template(with, &field);
            (field, template)
        });
        let update = step.update.iter().map(|(key, value)| {
            let field = Field::root().name("update").name(key);
            let template = template(value, &field);
            (key.clone(), field, template)
        });
        let update = update.collect();
        Self {
            operation: operation.clone(),
            scope: StepScope::new(parameters, references.iter().map(|(_, found)| found)),
            with,
            update,
        }
    }

    pub(crate) async fn run(&self, context: StepContext) -> StepResult<Value> {
        let with = match &self.with {
            Some((field, template)) => Some(render(template, field, &self.scope.of(&context)?)?),
            None => None,
        };
        let output = self.operation.call(with, context.clone())?.await?;
        if !self.update.is_empty() {
            // The state is what it is now.
            let scope = self.scope.of(&context)?;
            self.update(&scope.with("output", from_json(&output)), &context)?;
        }
        Ok(output)
    }

    /// Nothing is changed unless all templates give something.
    fn update(&self, scope: &Scope, context: &StepContext) -> StepResult<()> {
        let mut values = Vec::with_capacity(self.update.len());
        for (key, field, template) in &self.update {
            values.push((key, render(template, field, scope)?));
        }
        for (key, value) in values {
            context.update(key, value)?;
        }
        Ok(())
    }
}

fn render(template: &Template, field: &Field, scope: &Scope) -> Result<Value, OperationError> {
    template
        .render(scope)
        .map_err(|error| OperationError::Template {
            field: format!("{field}{}", error.field),
            message: error.message,
        })
}
