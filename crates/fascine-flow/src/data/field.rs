use std::fmt;

use super::node::{Data, Node, Place};

/// The way from the whole of a flow to one of its fields, such as `steps.grade.after[1].when`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Item(usize),
    Name(String),
}

impl Field {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// The field of that name in this one.
    pub(crate) fn name(&self, name: &str) -> Self {
        self.with(Segment::Name(name.to_owned()))
    }

    /// The item of that number, from 0, in this list.
    pub(crate) fn item(&self, number: usize) -> Self {
        self.with(Segment::Item(number))
    }

    /// The field that serde names, in this one.
    pub(crate) fn and(&self, path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment as Part;
        let mut field = self.clone();
        for part in path {
            field = match part {
                Part::Seq { index } => field.item(*index),
                Part::Map { key } => field.name(key),
                Part::Enum { variant } => field.name(variant),
                Part::Unknown => field,
            };
        }
        field
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Where it is: the name of a field of a table, or an item. What is not there is where its table is.
    pub(crate) fn place(&self, root: &Node) -> Place {
        let (mut node, mut place) = (root, root.at);
        for segment in &self.0 {
            match (segment, &node.data) {
                (Segment::Name(name), Data::Map(entries)) => {
                    // Of names that are there twice the last one counts, as in what is made of the file.
                    let mut found = entries.iter().rev().filter(|(key, _)| key.name == *name);
                    let Some((key, value)) = found.next() else {
                        break;
                    };
                    (node, place) = (value, key.at);
                }
                (Segment::Item(number), Data::List(items)) => {
                    let Some(item) = items.get(*number) else {
                        break;
                    };
                    (node, place) = (item, item.at);
                }
                _ => break,
            }
        }
        place
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Item(item) => write!(f, "[{item}]")?,
                Segment::Name(name) => {
                    let dot = if number == 0 { "" } else { "." };
                    match is_plain(name) {
                        true => write!(f, "{dot}{name}")?,
                        false => write!(f, "{dot}{name:?}")?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a name needs no quotes: letters, digits, `_` and `-`.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_plain)
}
