use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::StepResult;

/// The reducers that a flow from data has by itself.
pub(crate) const BUILT_IN: [(&str, BuiltIn); 8] = [
    ("append", append),
    ("concat", concat),
    ("keep", keep),
    ("max", max),
    ("merge", merge),
    ("min", min),
    ("replace", replace),
    ("sum", sum),
];

pub(crate) type BuiltIn = fn(Option<&Value>, Value) -> StepResult<Value>;

/// A list with the value at its end.
fn append(before: Option<&Value>, new: Value) -> StepResult<Value> {
    let mut list = match before {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(_) => return Err(unfit("append", "a list before it")),
    };
    list.push(new);
    Ok(Value::Array(list))
}

/// Two lists, or two texts, one behind the other.
fn concat(before: Option<&Value>, new: Value) -> StepResult<Value> {
    match (before, new) {
        (None, new @ (Value::Array(_) | Value::String(_))) => Ok(new),
        (Some(Value::Array(before)), Value::Array(new)) => {
            Ok(before.iter().cloned().chain(new).collect())
        }
        (Some(Value::String(before)), Value::String(new)) => Ok(format!("{before}{new}").into()),
        _ => Err(unfit("concat", "two lists or two texts")),
    }
}

/// What was there first.
fn keep(before: Option<&Value>, new: Value) -> StepResult<Value> {
    Ok(before.cloned().unwrap_or(new))
}

/// The fields of both; of fields that both have, the new ones.
fn merge(before: Option<&Value>, new: Value) -> StepResult<Value> {
    let mut fields = match before {
        None => Map::new(),
        Some(Value::Object(fields)) => fields.clone(),
        Some(_) => return Err(unfit("merge", "a table before it")),
    };
    match new {
        Value::Object(new) => fields.extend(new),
        _ => return Err(unfit("merge", "a table")),
    }
    Ok(Value::Object(fields))
}

fn replace(_: Option<&Value>, new: Value) -> StepResult<Value> {
    Ok(new)
}

fn max(before: Option<&Value>, new: Value) -> StepResult<Value> {
    chosen("max", before, new, Ordering::Greater)
}

fn min(before: Option<&Value>, new: Value) -> StepResult<Value> {
    chosen("min", before, new, Ordering::Less)
}

/// The new one of two numbers, if it compares so to the one before it, and that one if not.
fn chosen(
    name: &'static str,
    before: Option<&Value>,
    new: Value,
    wanted: Ordering,
) -> StepResult<Value> {
    let order = match before {
        Some(before) => order(&new, before),
        None => order(&new, &new).map(|_| wanted),
    };
    match (order, before) {
        (None, _) => Err(unfit(name, "numbers")),
        (Some(order), Some(before)) if order != wanted => Ok(before.clone()),
        _ => Ok(new),
    }
}

/// Whole numbers are compared as such: as fractions the large ones are not told apart.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// The sum of two numbers: a whole one if both are and it fits.
fn sum(before: Option<&Value>, new: Value) -> StepResult<Value> {
    let zero = Value::from(0);
    let before = before.unwrap_or(&zero);
    if let (Some(before), Some(new)) = (whole(before), whole(&new)) {
        let sum = before + new;
        let number = i64::try_from(sum).map(Number::from);
        let number = number.or_else(|_| u64::try_from(sum).map(Number::from));
        return number
            .map(Value::Number)
            .map_err(|_| unfit("sum", "numbers whose sum has at most 64 bits"));
    }
    let sum = match (before.as_f64(), new.as_f64()) {
        (Some(before), Some(new)) => Number::from_f64(before + new),
        _ => None,
    };
    sum.map(Value::Number)
        .ok_or_else(|| unfit("sum", "numbers with a finite sum"))
}

fn whole(value: &Value) -> Option<i128> {
    let signed = value.as_i64().map(i128::from);
    signed.or_else(|| value.as_u64().map(i128::from))
}

#[derive(Debug, thiserror::Error)]
#[error("`{reducer}` takes {expected}")]
struct Unfit {
    reducer: &'static str,
    expected: &'static str,
}

fn unfit(
    reducer: &'static str,
    expected: &'static str,
) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(Unfit { reducer, expected })
}
