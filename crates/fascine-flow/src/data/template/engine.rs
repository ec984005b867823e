use std::io::{self, Write};
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as Item;
use minijinja::{Environment, Error, UndefinedBehavior};
use serde_json::Value;

use super::{filters, json};

/// What a template may speak of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Vec<(&'static str, Item)>);

impl Scope {
    /// Adds something under a name.
    pub(crate) fn with(mut self, name: &'static str, value: Item) -> Self {
        self.0.push((name, value));
        self
    }

    fn to_item(&self) -> Item {
        Item::from_pairs(self.0.iter().cloned())
    }
}

/// Why a template gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` gives nothing: {message}")]
pub(crate) struct TemplateError {
    /// The way to it, within what was to be made.
    pub(crate) field: String,
    template: String,
    pub(crate) message: String,
}

impl TemplateError {
    pub(crate) fn new(template: &str, message: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            template: format!("{:.80}", template.trim()),
            message: message.into(),
        }
    }

    /// The same, one level further out.
    pub(crate) fn within(mut self, segment: &str) -> Self {
        self.field.insert_str(0, segment);
        self
    }
}

pub(crate) fn check_expression(code: &str) -> Result<(), String> {
    names_of_expression(code).map(drop)
}

pub(crate) fn check_template(text: &str) -> Result<(), String> {
    names_of_template(text).map(drop)
}

/// The names that an expression takes from outside.
pub(crate) fn names_of_expression(code: &str) -> Result<Vec<String>, String> {
    let expression = ENGINE.compile_expression_owned(code.to_owned());
    let expression = expression.map_err(|error| told(&error))?;
    Ok(sorted(expression.undeclared_variables(false)))
}

/// The names that a template takes from outside.
pub(crate) fn names_of_template(text: &str) -> Result<Vec<String>, String> {
    let template = ENGINE.template_from_str(text);
    let template = template.map_err(|error| told(&error))?;
    Ok(sorted(template.undeclared_variables(false)))
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names
}

/// What an expression gives, of whatever type it is.
pub(crate) fn evaluate(code: &str, scope: &Scope) -> Result<Value, TemplateError> {
    let failed = |error: &Error| TemplateError::new(code, told(error));
    let expression = ENGINE.compile_expression_owned(code.to_owned());
    let expression = expression.map_err(|error| failed(&error))?;
    let item = expression.eval(scope.to_item());
    json::to_json(&item.map_err(|error| failed(&error))?).map_err(|error| failed(&error))
}

/// What a template gives, as text.
pub(crate) fn render(text: &str, scope: &Scope) -> Result<String, TemplateError> {
    let failed = |error: &Error| TemplateError::new(text, told(error));
    let mut written = Written(Vec::new());
    let template = ENGINE.template_from_str(text);
    let template = template.map_err(|error| failed(&error))?;
    match template.render_captured_to(scope.to_item(), &mut written) {
        Ok(_) => Ok(String::from_utf8_lossy(&written.0).into_owned()),
        Err(error) => Err(failed(&error)),
    }
}

/// What the engine says, without the name of the template, which it has not.
fn told(error: &Error) -> String {
    let mut message = match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    };
    if let Some(line) = error.line().filter(|line| *line > 1) {
        message.push_str(&format!(" (in line {line} of the text)"));
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

/// What was written, which is bounded.
struct Written(Vec<u8>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > json::SIZE {
            let message = format!("it is larger than {} bytes", json::SIZE);
            return Err(io::Error::other(message));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many instructions a template may take.
const FUEL: u64 = 1_000_000;

/// It holds no templates, and never changes.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    if let Ok(syntax) = syntax {
        engine.set_syntax(syntax);
    }
    engine.set_formatter(|out, _, item| json::write(out, item));
    filters::add(&mut engine);
    engine
});
