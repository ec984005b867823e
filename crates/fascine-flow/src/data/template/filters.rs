use minijinja::value::{Rest, Value as Item};
use minijinja::{Environment, Error, filters, tests};

use super::json::{SIZE, invalid, to_json};

/// The filters that templates have: those of Jinja whose results are no larger than what they get, and a few whose
/// results are bounded.
pub(crate) const FILTERS: &[&str] = &[
    "abs",
    "bool",
    "capitalize",
    "default",
    "first",
    "float",
    "int",
    "items",
    "join",
    "json",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
];

/// The tests behind `is`.
pub(crate) const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "endingwith",
    "even",
    "false",
    "float",
    "in",
    "integer",
    "iterable",
    "mapping",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

pub(crate) fn add(engine: &mut Environment<'static>) {
    engine.add_filter("abs", filters::abs);
    engine.add_filter("bool", filters::bool);
    engine.add_filter("capitalize", filters::capitalize);
    engine.add_filter("default", filters::default);
    engine.add_filter("first", filters::first);
    engine.add_filter("float", filters::float);
    engine.add_filter("int", filters::int);
    engine.add_filter("items", filters::items);
    engine.add_filter("join", join);
    engine.add_filter("json", json);
    engine.add_filter("last", filters::last);
    engine.add_filter("length", filters::length);
    engine.add_filter("lines", filters::lines);
    engine.add_filter("list", filters::list);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("map", filters::map);
    engine.add_filter("max", filters::max);
    engine.add_filter("min", filters::min);
    engine.add_filter("reject", filters::reject);
    engine.add_filter("rejectattr", filters::rejectattr);
    engine.add_filter("replace", replace);
    engine.add_filter("reverse", filters::reverse);
    engine.add_filter("round", filters::round);
    engine.add_filter("select", filters::select);
    engine.add_filter("selectattr", filters::selectattr);
    engine.add_filter("sort", filters::sort);
    engine.add_filter("split", filters::split);
    engine.add_filter("string", string);
    engine.add_filter("sum", filters::sum);
    engine.add_filter("title", filters::title);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("unique", filters::unique);
    engine.add_filter("upper", filters::upper);

    engine.add_test("boolean", tests::is_boolean);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("endingwith", tests::is_endingwith);
    engine.add_test("even", tests::is_even);
    engine.add_test("false", tests::is_false);
    engine.add_test("float", tests::is_float);
    engine.add_test("in", tests::is_in);
    engine.add_test("integer", tests::is_integer);
    engine.add_test("iterable", tests::is_iterable);
    engine.add_test("mapping", tests::is_mapping);
    engine.add_test("none", tests::is_none);
    engine.add_test("number", tests::is_number);
    engine.add_test("odd", tests::is_odd);
    engine.add_test("sequence", tests::is_sequence);
    engine.add_test("startingwith", tests::is_startingwith);
    engine.add_test("string", tests::is_string);
    engine.add_test("true", tests::is_true);
    engine.add_test("undefined", tests::is_undefined);
}

/// What stands between is the rest of the arguments, as an optional one would be left out if it were not there.
fn join(items: &Item, between: Rest<Item>) -> Result<String, Error> {
    let between = match &**between {
        [] => String::new(),
        [between] => shown(between)?,
        _ => return Err(invalid("`join` takes one text")),
    };
    let mut joined = String::new();
    for (number, item) in items.try_iter()?.enumerate() {
        if number > 0 {
            joined.push_str(&between);
        }
        joined.push_str(&shown(&item)?);
        check_size(joined.len())?;
    }
    Ok(joined)
}

fn json(item: &Item) -> Result<String, Error> {
    let text = to_json(item)?.to_string();
    check_size(text.len())?;
    Ok(text)
}

fn string(item: &Item) -> Result<String, Error> {
    shown(item)
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let found = text.matches(from).count();
    check_size(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

/// As it would stand in the middle of a text.
fn shown(item: &Item) -> Result<String, Error> {
    match item.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => json(item),
    }
}

fn check_size(size: usize) -> Result<(), Error> {
    match size {
        0..=SIZE => Ok(()),
        _ => Err(invalid(format!("it is larger than {SIZE} bytes"))),
    }
}
