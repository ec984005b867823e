use minijinja::value::{Value as Item, ValueKind};
use minijinja::{Error, ErrorKind, Output};
use serde_json::{Map, Number, Value};

/// How large what a template gives may be, in bytes of text and in values.
pub(crate) const SIZE: usize = 16 * 1024 * 1024;

/// What a value counts for, as much as the room that it takes.
const VALUE: usize = 16;

/// How deep what it gives may be.
const DEPTH: usize = 128;

pub(crate) fn from_json(value: &Value) -> Item {
    match value {
        Value::Array(items) => Item::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Value::Bool(value) => Item::from(*value),
        Value::Null => Item::from(()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Item::from(number),
            (None, Some(number)) => Item::from(number),
            // Every other number of JSON is a fraction.
            (None, None) => Item::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Object(entries) => {
            let entries = entries.iter();
            Item::from_pairs(entries.map(|(name, value)| (name.clone(), from_json(value))))
        }
        Value::String(text) => Item::from(text),
    }
}

/// What an expression gave, as JSON. Something that is not there is an error, wherever it would stand.
pub(crate) fn to_json(item: &Item) -> Result<Value, Error> {
    let mut left = SIZE;
    convert(item, 0, &mut left)
}

fn convert(item: &Item, depth: usize, left: &mut usize) -> Result<Value, Error> {
    let text = item.as_str();
    *left = left
        .checked_sub(VALUE + text.map_or(0, str::len))
        .ok_or_else(|| invalid(format!("it is larger than {SIZE} bytes")))?;
    if depth > DEPTH {
        return Err(invalid(format!("it is more than {DEPTH} levels deep")));
    }
    match item.kind() {
        ValueKind::Undefined => Err(invalid("there is no such value")),
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(item.is_true())),
        ValueKind::Number => {
            let number = number(item).map(Value::Number);
            number.ok_or_else(|| invalid(format!("{item} is no number of JSON")))
        }
        ValueKind::String => Ok(text.unwrap_or_default().into()),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in item.try_iter()? {
                items.push(convert(&item, depth + 1, left)?);
            }
            Ok(Value::Array(items))
        }
        ValueKind::Map => {
            let mut entries = Map::new();
            for key in item.try_iter()? {
                let Some(name) = key.as_str() else {
                    return Err(invalid(format!("the key {key} is no text")));
                };
                *left = left.saturating_sub(name.len());
                let value = convert(&item.get_item(&key)?, depth + 1, left)?;
                entries.insert(name.to_owned(), value);
            }
            Ok(Value::Object(entries))
        }
        other => Err(invalid(format!("{other} cannot be JSON"))),
    }
}

fn number(item: &Item) -> Option<Number> {
    if !item.is_integer() {
        return Number::from_f64(f64::try_from(item.clone()).ok()?);
    }
    let signed = i64::try_from(item.clone()).map(Number::from);
    let number = signed.or_else(|_| u64::try_from(item.clone()).map(Number::from));
    number.ok()
}

/// Writes what stands in the middle of a text: texts as they are, and everything else as JSON.
pub(crate) fn write(out: &mut Output<'_>, item: &Item) -> Result<(), Error> {
    let written = match item.as_str() {
        Some(text) => out.write_str(text),
        None => write!(out, "{}", to_json(item)?),
    };
    written.map_err(|_| invalid("it cannot be written"))
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "a table",
        Value::String(_) => "text",
    }
}

pub(crate) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
