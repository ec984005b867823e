mod engine;
mod filters;
mod json;
mod scan;

use serde_json::{Map, Value};

pub(crate) use engine::{Scope, TemplateError};
pub(crate) use json::{from_json, kind};
pub(crate) use minijinja::value::Value as Item;
pub(crate) use scan::Reference;

use super::field::Field;
use engine::{evaluate, render};
use scan::Scan;

/// A JSON value whose texts are templates: in the language of Jinja, cut down to expressions, `if` and `for`.
///
/// A text that is one expression and nothing else is whatever the expression gives, of any type; all others are text.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    Expression(String),
    List(Vec<Template>),
    Literal(Value),
    Map(Vec<(String, Template)>),
    Text(String),
}

/// What a template speaks of, and in which field it does.
pub(crate) type References = Vec<(Field, Reference)>;

/// What is wrong with templates, and in which fields.
pub(crate) type Mistakes = Vec<(Field, String)>;

impl Template {
    /// Reads all texts in a value.
    pub(crate) fn new(
        value: &Value,
        field: &Field,
        references: &mut References,
        mistakes: &mut Mistakes,
    ) -> Self {
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate().map(|(number, item)| {
                    Self::new(item, &field.item(number), references, mistakes)
                });
                Self::list(items.collect())
            }
            Value::Object(entries) => {
                let entries = entries.iter().map(|(name, value)| {
                    let template = Self::new(value, &field.name(name), references, mistakes);
                    (name.clone(), template)
                });
                Self::map(entries.collect())
            }
            Value::String(text) => match Self::text(text) {
                Ok((template, found)) => {
                    let found = found.into_iter();
                    references.extend(found.map(|reference| (field.clone(), reference)));
                    template
                }
                Err(mistake) => {
                    mistakes.push((field.clone(), mistake));
                    Self::Literal(Value::Null)
                }
            },
            other => Self::Literal(other.clone()),
        }
    }

    fn list(items: Vec<Self>) -> Self {
        let literals = items.iter().map(Self::as_literal);
        match literals.collect::<Option<Vec<_>>>() {
            Some(literals) => Self::Literal(Value::Array(literals)),
            None => Self::List(items),
        }
    }

    fn map(entries: Vec<(String, Self)>) -> Self {
        let literals = entries
            .iter()
            .map(|(name, template)| Some((name.clone(), template.as_literal()?)));
        match literals.collect::<Option<Map<_, _>>>() {
            Some(literals) => Self::Literal(Value::Object(literals)),
            None => Self::Map(entries),
        }
    }

    fn text(text: &str) -> Result<(Self, Vec<Reference>), String> {
        if !["{{", "{%", "{#"].iter().any(|begin| text.contains(begin)) {
            return Ok((Self::Literal(text.into()), Vec::new()));
        }
        let scan = Scan::of_template(text)?;
        let template = match scan.sole_expression {
            Some(expression) => {
                engine::check_expression(expression)?;
                Self::Expression(expression.to_owned())
            }
            None => {
                engine::check_template(text)?;
                Self::Text(text.to_owned())
            }
        };
        Ok((template, scan.references))
    }

    /// The value, if nothing in it is a template.
    pub(crate) fn as_literal(&self) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// Makes the value.
    pub(crate) fn render(&self, scope: &Scope) -> Result<Value, TemplateError> {
        match self {
            Self::Expression(expression) => evaluate(expression, scope),
            Self::List(items) => {
                let items = items.iter().enumerate().map(|(number, item)| {
                    let rendered = item.render(scope);
                    rendered.map_err(|error| error.within(&format!("[{number}]")))
                });
                items.collect()
            }
            Self::Literal(value) => Ok(value.clone()),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(name, value)| {
                    let rendered = value.render(scope);
                    let value = rendered.map_err(|error| error.within(&format!(".{name}")))?;
                    Ok((name.clone(), value))
                });
                entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            Self::Text(text) => render(text, scope).map(Value::String),
        }
    }
}

/// An expression that is true or false, without braces around it.
#[derive(Clone, Debug)]
pub(crate) struct Condition(String);

impl Condition {
    pub(crate) fn new(text: &str) -> Result<(Self, Vec<Reference>), String> {
        if text.trim_start().starts_with("{{") {
            return Err("a condition is an expression without braces around it".to_owned());
        }
        let scan = Scan::of_expression(text)?;
        engine::check_expression(text)?;
        Ok((Self(text.to_owned()), scan.references))
    }

    pub(crate) fn is_met(&self, scope: &Scope) -> Result<bool, TemplateError> {
        match evaluate(&self.0, scope)? {
            Value::Bool(met) => Ok(met),
            other => Err(TemplateError::new(
                &self.0,
                format!("it is to be true or false, and is {}", kind(&other)),
            )),
        }
    }
}
