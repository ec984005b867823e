use std::fmt;

use super::node::Place;
use super::parameter_spec::ParameterKind;
use crate::GraphError;

/// What is wrong with a field of a description of a flow, and what would be right.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// A name is there twice.
    Duplicate {
        /// The name.
        name: String,
        /// Where it was there first, unless the description is of no file.
        first: Option<Place>,
    },
    /// The steps are no graph.
    Graph(GraphError),
    /// A field is missing.
    MissingField {
        /// Its name.
        name: &'static str,
    },
    /// A parameter is required, and was not given.
    MissingParameter {
        /// Its name.
        name: String,
        /// Its type.
        kind: ParameterKind,
    },
    /// A template speaks of a step that does not lead to its own.
    NotBefore {
        /// The step that it speaks of.
        step: String,
    },
    /// What a step is given does not fit its operation.
    Parameters {
        /// The operation.
        operation: String,
        /// Why it does not fit.
        message: String,
    },
    /// The file is not of its format.
    Syntax {
        /// What the reader says.
        message: String,
    },
    /// A template or an expression cannot be read.
    Template {
        /// What is wrong with it.
        message: String,
    },
    /// There is too much of something.
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// There is no field of that name.
    UnknownField {
        /// The name.
        name: String,
        /// The one that was meant, perhaps.
        similar: Option<String>,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Nothing has that name.
    UnknownName {
        /// What it is to be a name of: a step, an operation.
        what: &'static str,
        /// The name.
        name: String,
        /// The one that was meant, perhaps.
        similar: Option<String>,
    },
    /// It is of another type, or a value that makes no sense here.
    Unfit {
        /// What would be right.
        expected: String,
        /// What there is.
        found: String,
    },
}

impl Problem {
    pub(crate) fn unfit(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unfit {
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meant = |f: &mut fmt::Formatter<'_>, similar: &Option<String>| match similar {
            Some(similar) => write!(f, "; did you mean `{similar}`?"),
            None => Ok(()),
        };
        match self {
            Self::Duplicate { name, first } => {
                write!(f, "`{name}` is there twice")?;
                match first {
                    Some(first) => write!(f, ", first at {first}"),
                    None => Ok(()),
                }
            }
            Self::Graph(error) => error.fmt(f),
            Self::MissingField { name } => write!(f, "the field `{name}` is missing"),
            Self::MissingParameter { name, kind } => {
                write!(
                    f,
                    "the parameter `{name}` is missing, of the type {}",
                    kind.as_str()
                )
            }
            Self::NotBefore { step } => {
                write!(
                    f,
                    "it speaks of step `{step}`, which does not lead here: add it to `after`"
                )
            }
            Self::Parameters { operation, message } => {
                write!(f, "it does not fit operation `{operation}`: {message}")
            }
            Self::Syntax { message } | Self::Template { message } => f.write_str(message),
            Self::TooLarge { what, limit } => write!(f, "there are more than {limit} {what}"),
            Self::UnknownField {
                name,
                similar,
                known,
            } => {
                write!(f, "there is no field `{name}`")?;
                match similar {
                    Some(_) => meant(f, similar),
                    None => write!(f, "; there are {}", listed(known)),
                }
            }
            Self::UnknownName {
                what,
                name,
                similar,
            } => {
                write!(f, "there is no {what} `{name}`")?;
                meant(f, similar)
            }
            Self::Unfit { expected, found } => write!(f, "expected {expected}, found {found}"),
        }
    }
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl Problem {
    pub(crate) fn too_deep() -> Self {
        Self::TooLarge {
            what: "levels of lists and tables",
            limit: super::source::DEPTH,
        }
    }
}
