use std::fmt;

use super::field::Field;
use super::node::{Node, Place};
use super::problem::Problem;
use super::similar::similar;

/// One thing that is wrong with a description of a flow, and where.
///
/// It is shown as `flow.toml:12:9: steps.grade.retry.attempts: expected a positive integer, found 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecError {
    file: String,
    place: Option<Place>,
    field: String,
    problem: Problem,
}

impl SpecError {
    /// The name of the file, as it was given; empty if the description is of no file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where in the file it is, unless the description is of no file.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// The way to the field, such as `steps.grade.after[1].when`; empty if the whole is meant.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if let Some(place) = self.place {
            write!(f, "{place}:")?;
        }
        if !self.file.is_empty() || self.place.is_some() {
            f.write_str(" ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for SpecError {}

/// All that is wrong with a description of a flow, in the order of the file: a line for each in what is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecErrors {
    errors: Vec<SpecError>,
    count: usize,
}

impl SpecErrors {
    /// How many errors are kept.
    pub const KEPT: usize = 100;

    /// The errors: the first hundred of them. There is at least one.
    pub fn iter(&self) -> impl Iterator<Item = &SpecError> {
        self.errors.iter()
    }

    /// How many there are, those among them that are not kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn syntax(file: &str, place: Place, problem: Problem) -> Self {
        Self {
            errors: vec![SpecError {
                file: file.to_owned(),
                place: Some(place),
                field: String::new(),
                problem,
            }],
            count: 1,
        }
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.errors.iter().enumerate() {
            let feed = if number == 0 { "" } else { "\n" };
            write!(f, "{feed}{error}")?;
        }
        match self.count - self.errors.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for SpecErrors {}

/// Where a description comes from. It is no part of what is described: all origins are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) file: String,
    pub(crate) root: Option<std::sync::Arc<Node>>,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What was found wrong so far.
#[derive(Debug)]
pub(crate) struct Complaints {
    origin: Origin,
    errors: Vec<SpecError>,
    count: usize,
}

impl Complaints {
    pub(crate) fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            errors: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn add(&mut self, field: &Field, problem: Problem) {
        let place = self.origin.root.as_ref().map(|root| field.place(root));
        self.add_at(place, field.to_string(), problem);
    }

    pub(crate) fn add_at(&mut self, place: Option<Place>, field: String, problem: Problem) {
        self.count += 1;
        if self.errors.len() < SpecErrors::KEPT {
            self.errors.push(SpecError {
                file: self.origin.file.clone(),
                place,
                field,
                problem,
            });
        }
    }

    /// Complains of a name that nobody has.
    pub(crate) fn unknown<'n>(
        &mut self,
        field: &Field,
        what: &'static str,
        name: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) {
        let problem = Problem::UnknownName {
            what,
            name: name.to_owned(),
            similar: self.similar(name, names),
        };
        self.add(field, problem);
    }

    /// The name that was meant, perhaps. It is not looked for once errors are only counted: names may be many.
    pub(crate) fn similar<'n>(
        &self,
        name: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        if self.errors.len() < SpecErrors::KEPT {
            similar(name, names)
        } else {
            None
        }
    }

    /// Gives what there is if nothing is wrong.
    pub(crate) fn or<T>(self, good: T) -> Result<T, SpecErrors> {
        if self.count == 0 {
            return Ok(good);
        }
        Err(self.into_errors())
    }

    /// What there is, in the order of the file.
    pub(crate) fn into_errors(mut self) -> SpecErrors {
        self.errors.sort_by_key(|error| error.place);
        SpecErrors {
            errors: self.errors,
            count: self.count,
        }
    }
}
