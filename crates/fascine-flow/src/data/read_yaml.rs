use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::node::{Data, Key, Node, Place};
use super::problem::Problem;
use super::source::{DEPTH, Source};
use super::yaml_scalar;

/// Reads YAML 1.2 with its core schema: one document, in which what an alias stands for is copied.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, (Place, Problem)> {
    let mut reading = Reading::default();
    for event in Parser::new_from_str(source.text) {
        let (event, span) = event.map_err(|error| {
            let message = format!("this is no YAML: {}", error.info());
            (place(*error.marker()), Problem::Syntax { message })
        })?;
        reading.event(event, place(span.start))?;
    }
    reading.root.ok_or_else(|| {
        let problem = Problem::unfit("a table", "an empty document");
        (Place::START, problem)
    })
}

fn place(marker: Marker) -> Place {
    Place {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

/// A list or a map that is not over.
struct Open {
    at: Place,
    anchor: usize,
    data: Collection,
}

enum Collection {
    List(Vec<Node>),
    /// The name is that of the value that comes next.
    Map(Vec<(Key, Node)>, Option<Key>),
}

#[derive(Default)]
struct Reading {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// How much was copied for aliases.
    copied: usize,
    root: Option<Node>,
}

impl Reading {
    fn event(&mut self, event: Event<'_>, at: Place) -> Result<(), (Place, Problem)> {
        let failed = |problem| (at, problem);
        match event {
            Event::Alias(anchor) => {
                let node = self.alias(anchor, at).map_err(failed)?;
                self.add(node)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                let is_name = matches!(
                    self.open.last(),
                    Some(Open {
                        data: Collection::Map(_, None),
                        ..
                    })
                );
                if is_name && style == ScalarStyle::Plain && text == "<<" {
                    let message = "YAML 1.2 has no merge keys: write the fields out".to_owned();
                    return Err(failed(Problem::Syntax { message }));
                }
                let data = match (is_name, style, tag) {
                    // A name is what is written, whatever it looks like.
                    (true, _, None) => Data::Text(text.into_owned()),
                    (false, ScalarStyle::Plain, None) => {
                        yaml_scalar::plain(text).map_err(failed)?
                    }
                    (_, _, None) => Data::Text(text.into_owned()),
                    (_, _, Some(tag)) => yaml_scalar::tagged(text, tag).map_err(failed)?,
                };
                self.keep(anchor, Node { at, data })
            }
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq").map_err(failed)?;
                self.begin(at, anchor, Collection::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map").map_err(failed)?;
                self.begin(at, anchor, Collection::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let data = match open.data {
                    Collection::List(items) => Data::List(items),
                    Collection::Map(entries, _) => Data::Map(entries),
                };
                self.keep(open.anchor, Node { at: open.at, data })
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(failed(Problem::unfit("one document", "another one")))
            }
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        at: Place,
        anchor: usize,
        data: Collection,
    ) -> Result<(), (Place, Problem)> {
        if self.open.len() >= DEPTH {
            return Err((at, Problem::too_deep()));
        }
        self.open.push(Open { at, anchor, data });
        Ok(())
    }

    /// Adds a node, and remembers it for aliases.
    fn keep(&mut self, anchor: usize, node: Node) -> Result<(), (Place, Problem)> {
        if anchor != 0 {
            self.copy(&node, 0).map_err(|problem| (node.at, problem))?;
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn alias(&mut self, anchor: usize, at: Place) -> Result<Node, Problem> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let message = "an alias stands for what it is in".to_owned();
            return Err(Problem::Syntax { message });
        };
        self.copy(&node, self.open.len())?;
        Ok(Node { at, ..node })
    }

    /// Counts what is copied, so that a small file cannot become a large one, or a deep one.
    fn copy(&mut self, node: &Node, depth: usize) -> Result<(), Problem> {
        if depth > DEPTH {
            return Err(Problem::too_deep());
        }
        self.copied += match &node.data {
            Data::Text(text) => 1 + text.len(),
            _ => 1,
        };
        if self.copied > COPIED {
            return Err(Problem::TooLarge {
                what: "characters and values behind anchors and aliases",
                limit: COPIED,
            });
        }
        match &node.data {
            Data::List(items) => items.iter().try_for_each(|item| self.copy(item, depth + 1)),
            Data::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                self.copied += key.name.len();
                self.copy(value, depth + 1)
            }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> Result<(), (Place, Problem)> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.data {
            Collection::List(items) => items.push(node),
            Collection::Map(entries, name) => match name.take() {
                Some(key) => entries.push((key, node)),
                None => *name = Some(key(node)?),
            },
        }
        Ok(())
    }
}

fn key(node: Node) -> Result<Key, (Place, Problem)> {
    let (at, kind) = (node.at, node.kind());
    match node.data {
        Data::Text(name) => Ok(Key { at, name }),
        _ => Err((at, Problem::unfit("the name of a field", kind))),
    }
}

fn check_tag(tag: Option<&Tag>, name: &str) -> Result<(), Problem> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == name) => {
            Err(yaml_scalar::unknown_tag(tag))
        }
        _ => Ok(()),
    }
}

/// How much may be copied for aliases: values and the characters of texts.
const COPIED: usize = 1_000_000;
