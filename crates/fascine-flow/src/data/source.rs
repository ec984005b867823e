use std::collections::HashMap;

use super::field::Field;
use super::node::{Data, Node, Place};
use super::problem::Problem;
use super::spec_error::{Complaints, SpecErrors};

/// The text of a file, and how its offsets are found as lines and columns.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    /// Where the lines begin.
    lines: Vec<usize>,
}

/// How many bytes a file may have.
pub(crate) const SIZE: usize = 16 * 1024 * 1024;

/// How deep values may be nested.
pub(crate) const DEPTH: usize = 64;

impl<'a> Source<'a> {
    /// Checks what holds for every format.
    pub(crate) fn new(file: &str, bytes: &'a [u8]) -> Result<Self, SpecErrors> {
        let failed = |at, problem| SpecErrors::syntax(file, at, problem);
        if bytes.len() > SIZE {
            let problem = Problem::TooLarge {
                what: "bytes in the file",
                limit: SIZE,
            };
            return Err(failed(Place::START, problem));
        }
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::of(text)),
            Err(error) => {
                let valid = &bytes[..error.valid_up_to()];
                let valid = Source::of(std::str::from_utf8(valid).unwrap_or_default());
                let problem = Problem::Syntax {
                    message: "this is not UTF-8".to_owned(),
                };
                Err(failed(valid.place(valid.text.len()), problem))
            }
        }
    }

    fn of(text: &'a str) -> Self {
        let feeds = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            lines: [0].into_iter().chain(feeds).collect(),
        }
    }

    /// Where an offset in bytes is.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|begin| *begin <= offset);
        let begin = self.lines[line - 1];
        let before = self.text.get(begin..offset);
        let column = before.map_or(offset - begin, |before| before.chars().count());
        Place {
            line,
            column: column + 1,
        }
    }

    /// The offset of a column in bytes, from 1, of a line, from 1.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let begin = self.lines.get(line.saturating_sub(1));
        begin.map_or(self.text.len(), |begin| begin + column.saturating_sub(1))
    }
}

/// Complains of names that are there twice.
pub(crate) fn check_names(node: &Node, field: &Field, complaints: &mut Complaints) {
    match &node.data {
        Data::List(items) => {
            for (number, item) in items.iter().enumerate() {
                check_names(item, &field.item(number), complaints);
            }
        }
        Data::Map(entries) => {
            let mut places = HashMap::with_capacity(entries.len());
            for (key, value) in entries {
                let field = field.name(&key.name);
                check_names(value, &field, complaints);
                if let Some(first) = places.insert(&*key.name, key.at) {
                    let problem = Problem::Duplicate {
                        name: key.name.clone(),
                        first: Some(first),
                    };
                    complaints.add_at(Some(key.at), field.to_string(), problem);
                }
            }
        }
        _ => {}
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
