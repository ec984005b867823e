use std::fmt;

use serde_json::Value;

use crate::JsonPath;

/// Something that was changed so that a value fits its schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Coercion {
    /// Where, in the value as it is afterwards.
    pub path: JsonPath,
    /// What was done.
    pub kind: CoercionKind,
}

/// What a coercion does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CoercionKind {
    /// A key that the schema does not have was dropped, as [`Unmatched`](crate::Unmatched) says.
    Dropped {
        /// What it was.
        value: Value,
    },
    /// A string became the value of an enum that it resembles.
    EnumValue {
        /// What it was.
        from: String,
    },
    /// A field that is missing got what [`KeyMatching`](crate::KeyMatching) fills in.
    Filled,
    /// A number without a fraction was written as an integer.
    Integer,
    /// Null stands for a value that may be null and was missing.
    Null,
    /// A string became the boolean, number, array or object that it spells.
    Parsed {
        /// What it was.
        from: String,
    },
    /// A key was taken for a field.
    Renamed {
        /// What it was.
        from: String,
        /// How similar they are.
        score: f64,
    },
    /// A number or boolean became a string.
    Spelled,
    /// A single value became an array of one.
    Wrapped,
}

impl fmt::Display for Coercion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, kind } = self;
        match kind {
            CoercionKind::Dropped { .. } => write!(f, "dropped {path}"),
            CoercionKind::EnumValue { from } => write!(f, "took {from:?} for the value of {path}"),
            CoercionKind::Filled => write!(f, "filled {path}"),
            CoercionKind::Integer => write!(f, "made {path} an integer"),
            CoercionKind::Null => write!(f, "made {path} null"),
            CoercionKind::Parsed { .. } => write!(f, "parsed the string at {path}"),
            CoercionKind::Renamed { from, .. } => write!(f, "took key {from:?} for {path}"),
            CoercionKind::Spelled => write!(f, "made {path} a string"),
            CoercionKind::Wrapped => write!(f, "made {path} an array"),
        }
    }
}
