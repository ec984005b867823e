use std::sync::Arc;

use serde_json::Value;

use super::call::Call;
use super::field::Field;
use super::operation_error::OperationError;
use super::scopes::StepScope;
use super::step_spec::{RepeatSpec, StepSpec};
use super::template::{Condition, Item, References, Scope, Template, from_json, kind};
use crate::{Each, GrowthError, StepContext, StepResult};

/// What a step from data does: it fills its templates, calls what it is to call, as often as it is to, and puts what it
/// is told to into the shared state.
pub(crate) struct StepWork {
    call: Call,
    scope: StepScope,
    with: Option<(Field, Template)>,
    times: Times,
    each: Each,
    update: Vec<(String, Field, Template)>,
}

/// How often it is called.
enum Times {
    ForEach(Field, Template),
    Once,
    Repeat(RepeatSpec, Condition),
}

impl StepWork {
    /// Of a step that was checked.
    pub(crate) fn new(step: &StepSpec, call: Call, each: Each, parameters: &Item) -> Self {
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
        let times = match (&step.for_each, &step.repeat) {
            (Some(items), _) => {
                let field = Field::root().name("for_each");
                let template = template(items, &field);
                Times::ForEach(field, template)
            }
            (None, Some(repeat)) => match Condition::new(&repeat.until) {
                Ok((until, found)) => {
                    let found = found.into_iter();
                    references.extend(found.map(|found| (Field::root(), found)));
                    Times::Repeat(repeat.clone(), until)
                }
                Err(_) => Times::Once,
            },
            (None, None) => Times::Once,
        };
        Self {
            call,
            scope: StepScope::new(parameters, references.iter().map(|(_, found)| found)),
            with,
            times,
            each,
            update,
        }
    }

    pub(crate) async fn run(self: &Arc<Self>, context: StepContext) -> StepResult<Value> {
        let output = match &self.times {
            Times::ForEach(field, items) => self.for_each(field, items, &context).await?,
            Times::Once => {
                let scope = self.scope.of(&context)?;
                self.once(&scope, context.clone()).await?
            }
            Times::Repeat(repeat, until) => self.repeat(repeat, until, &context).await?,
        };
        if !self.update.is_empty() {
            // The state is what it is now.
            let scope = self.scope.of(&context)?;
            self.update(&scope.with("output", from_json(&output)), &context)?;
        }
        Ok(output)
    }

    async fn once(&self, scope: &Scope, context: StepContext) -> StepResult<Value> {
        let with = match &self.with {
            Some((field, template)) => Some(render(template, field, scope)?),
            None => None,
        };
        self.call.call(with, context)?.await
    }

    async fn for_each(
        self: &Arc<Self>,
        field: &Field,
        items: &Template,
        context: &StepContext,
    ) -> StepResult<Value> {
        let scope = self.scope.of(context)?;
        let items = match render(items, field, &scope)? {
            Value::Array(items) => items,
            other => {
                let message = format!("it is to be a list, and is {}", kind(&other));
                let field = field.to_string();
                return Err(OperationError::Template { field, message }.into());
            }
        };
        let work = Arc::clone(self);
        let items = items.into_iter().enumerate();
        let outputs = context.expand(items, move |context, (index, item)| {
            let scope = scope.clone().with("index", Item::from(index));
            let scope = scope.with("item", from_json(&item));
            let work = Arc::clone(&work);
            async move { work.once(&scope, context).await }
        });
        Ok(Value::Array(
            outputs.with(self.each.clone()).collect().await?,
        ))
    }

    async fn repeat(
        self: &Arc<Self>,
        repeat: &RepeatSpec,
        until: &Condition,
        context: &StepContext,
    ) -> StepResult<Value> {
        let mut last = Value::Null;
        for index in 0..repeat.at_most.get() {
            let scope = self.scope.of(context)?.with("index", Item::from(index));
            let scope = scope.with("last", from_json(&last));
            let work = Arc::clone(self);
            let outputs = context.expand([()], move |context, ()| {
                let (work, scope) = (Arc::clone(&work), scope.clone());
                async move { work.once(&scope, context).await }
            });
            let mut outputs: Vec<Value> = outputs.with(self.each.clone()).collect().await?;
            last = outputs.pop().unwrap_or_default();
            let scope = self.scope.of(context)?.with("index", Item::from(index));
            let met = until.is_met(&scope.with("output", from_json(&last)));
            let met = met.map_err(|error| OperationError::Template {
                field: "repeat.until".to_owned(),
                message: error.message,
            });
            if met? {
                return Ok(last);
            }
        }
        if repeat.or_last {
            return Ok(last);
        }
        let (path, limit) = (context.path(), repeat.at_most.get());
        Err(GrowthError::NotDone { path, limit }.into())
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
