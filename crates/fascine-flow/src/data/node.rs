use std::fmt;

use serde_json::{Map, Number, Value};

/// A place in a file: its line and its column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters, from 1.
    pub column: usize,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value of a file, and where it is. All formats are read as such.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Bool(bool),
    List(Vec<Node>),
    /// In the order of the file. A name that is there twice is complained of later.
    Map(Vec<(Key, Node)>),
    Null,
    Number(Number),
    Text(String),
}

/// The name of a field, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) name: String,
}

impl Node {
    /// What it is, in an error.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Bool(_) => "a boolean",
            Data::List(_) => "a list",
            Data::Map(_) => "a table",
            Data::Null => "nothing",
            Data::Number(number) if number.is_f64() => "a number",
            Data::Number(_) => "an integer",
            Data::Text(_) => "text",
        }
    }

    /// The value, without its places. Nodes are at most [`DEPTH`](super::source::DEPTH) deep.
    pub(crate) fn to_json(&self) -> Value {
        match &self.data {
            Data::Bool(value) => Value::Bool(*value),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, node)| (key.name.clone(), node.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Data::Null => Value::Null,
            Data::Number(number) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
        }
    }
}
