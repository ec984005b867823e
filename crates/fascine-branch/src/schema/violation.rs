use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::JsonPath;

/// Something about a value that does not fit its schema, in words that a model can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where. What is missing is where it should be.
    pub path: JsonPath,
    /// What is there, shortened; none if it is missing.
    pub found: Option<String>,
    /// What should be there: `of type integer`, `one of "low", "high"`, `at most 5`.
    pub expected: String,
}

impl Violation {
    /// Whether a field that has to be there is not.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.found.is_none()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{} is {found}, but must be {}", self.path, self.expected),
            None => write!(f, "{} is missing", self.path),
        }
    }
}

/// Adds what an error says. Of alternatives, that which is wrong with the one which is nearest.
pub(super) fn collect(error: &ValidationError<'_>, violations: &mut Vec<Violation>) {
    let path = JsonPath::from_pointer(error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            match nearest(context, &path) {
                Some(errors) => errors.iter().for_each(|error| collect(error, violations)),
                None => violations.push(Violation {
                    path,
                    found: Some(shorten(error.instance())),
                    expected: format!("one of {} alternatives of the schema", context.len()),
                }),
            }
        }
        ValidationErrorKind::Required { property } => violations.push(Violation {
            path: path.field(property.as_str().unwrap_or_default()),
            found: None,
            expected: "there".to_owned(),
        }),
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            violations.extend(unexpected.iter().map(|key| Violation {
                path: path.field(key),
                found: Some("a field that the schema does not have".to_owned()),
                expected: "left out".to_owned(),
            }));
        }
        kind => violations.push(Violation {
            path,
            found: Some(shorten(error.instance())),
            expected: expected(kind).unwrap_or_else(|| format!("valid: {}", error.masked())),
        }),
    }
}

/// The alternative with the fewest errors, unless others have as few. That it might be null instead helps nobody.
fn nearest<'e>(
    context: &'e [Vec<ValidationError<'static>>],
    here: &JsonPath,
) -> Option<&'e Vec<ValidationError<'static>>> {
    let is_null = |errors: &&Vec<ValidationError<'static>>| matches!(errors.as_slice(), [error] if is_type(error, "null"));
    let rank = |errors: &Vec<ValidationError<'static>>| {
        let other_kind = errors.iter().any(|error| is_other_kind(error, here));
        (other_kind, errors.len())
    };
    let mut others: Vec<_> = context.iter().filter(|errors| !is_null(errors)).collect();
    others.sort_by_key(|errors| rank(errors));
    match others.as_slice() {
        [first, second, ..] if rank(first) == rank(second) => None,
        [first, ..] => Some(first),
        [] => None,
    }
}

/// Whether the value is another kind of thing than the alternative: of another type, or with another tag.
fn is_other_kind(error: &ValidationError<'static>, here: &JsonPath) -> bool {
    match error.kind() {
        ValidationErrorKind::Type { .. } => error.instance_path().as_str() == here.as_str(),
        ValidationErrorKind::Constant { .. } => true,
        _ => false,
    }
}

fn is_type(error: &ValidationError<'static>, name: &str) -> bool {
    match error.kind() {
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => kind.to_string() == name,
        _ => false,
    }
}

fn expected(kind: &ValidationErrorKind) -> Option<String> {
    Some(match kind {
        ValidationErrorKind::Type { kind } => match kind {
            TypeKind::Single(kind) => format!("of type {kind}"),
            TypeKind::Multiple(kinds) => {
                let names: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
                format!("of type {}", names.join(" or "))
            }
        },
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(Value::to_string).collect();
            format!("one of {}", options.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => expected_value.to_string(),
        ValidationErrorKind::Minimum { limit } => format!("at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MinLength { limit } => format!("at least {limit} characters long"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters long"),
        ValidationErrorKind::MinItems { limit } => format!("of at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("of at most {limit} items"),
        ValidationErrorKind::AdditionalItems { limit } => format!("of at most {limit} items"),
        ValidationErrorKind::UniqueItems => "without items that are equal".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("a match of the pattern {pattern}"),
        ValidationErrorKind::Format { format } => format!("in the format {format}"),
        _ => return None,
    })
}

/// A value as JSON, cut where it gets long.
fn shorten(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
        Value::String(text) if text.len() > LONGEST => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{}..", Value::String(start))
        }
        other => other.to_string(),
    }
}

const LONGEST: usize = 80;
