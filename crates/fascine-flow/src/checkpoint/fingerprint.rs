use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::OnError;
use crate::edge::Edge;
use crate::graph::Inner;
use crate::step::Step;

/// A hash of what a [`Graph`](crate::Graph) says: two graphs with one fingerprint can take up each other's runs.
///
/// It is the SHA-256 of the names of the steps and of the types of their outputs, their joins, what follows when they
/// fail, the keys that they write, and the edges, with the kinds of their conditions and their labels; and of the
/// [version](crate::GraphBuilder::version). It does not depend on the order in which steps are added. It does not see
/// into functions: when one of them changes its meaning, the version is to say so. Of types it takes the names without
/// modules and crates: a type may be moved. Retries, time-outs, priorities, costs and resources are no part of it: they
/// make no difference to what was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// The hashes of one step, cut short: they tell steps of one graph from those of another, and withstand no attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepPrint {
    /// Of the step, and of the edges into it.
    pub(crate) own: String,
    /// Of the edges out of it, in their order.
    pub(crate) out: String,
}

/// Both for a whole graph.
#[derive(Debug)]
pub(crate) struct Prints {
    pub(crate) whole: Fingerprint,
    pub(crate) steps: BTreeMap<String, StepPrint>,
}

impl Prints {
    pub(crate) fn of(graph: &Inner) -> Self {
        let prints = (0..).zip(&graph.steps).map(|(number, step)| {
            let print = StepPrint {
                own: short(&own(graph, number, step)),
                out: short(&edges(graph, graph.outgoing.of(number), |edge| edge.to)),
            };
            (step.name.to_string(), print)
        });
        let steps: BTreeMap<_, _> = prints.collect();
        let mut whole = Text::new("graph");
        whole.add(graph.version.as_deref().unwrap_or_default());
        for (name, print) in &steps {
            whole.add(name);
            whole.add(&print.own);
            whole.add(&print.out);
        }
        Self {
            whole: Fingerprint(whole.hash()),
            steps,
        }
    }
}

fn own(graph: &Inner, number: u32, step: &Step) -> Text {
    let mut text = Text::new("step");
    text.add(&without_paths((step.output)().name));
    text.add(&format!("{:?}", step.settings.join));
    if let Some(more) = step.settings.more.as_deref() {
        match &more.on_error {
            OnError::Fallback(output) => {
                text.add("fallback");
                let json = output.to_json().unwrap_or_default();
                text.add(&json.to_string());
            }
            // Which step it is, an edge says.
            OnError::FallbackStep(_) => text.add("fallback step"),
            other => text.add(&format!("{other:?}")),
        }
        let mut writes: Vec<_> = more.writes.iter().collect();
        writes.sort_unstable();
        writes.iter().for_each(|key| text.add(key));
    } else {
        text.add(&format!("{:?}", OnError::default()));
    }
    let mut edges = edges(graph, graph.incoming.of(number), |edge| edge.from).0;
    text.0.append(&mut edges);
    text
}

/// What edges say, but for one end of them, which is the same for all.
fn edges(graph: &Inner, numbers: &[u32], end: impl Fn(&Edge) -> u32) -> Text {
    let mut text = Text::new("edges");
    for number in numbers {
        let edge = &graph.edges[*number as usize];
        text.add(&graph.steps[end(edge) as usize].name);
        text.add(edge.condition().kind());
        text.add(edge.label().unwrap_or_default());
    }
    text
}

/// Texts, each with its length before it: so no two lists of texts are the same bytes.
struct Text(Vec<u8>);

impl Text {
    fn new(kind: &str) -> Self {
        let mut text = Self(Vec::new());
        text.add(kind);
        text
    }

    fn add(&mut self, part: &str) {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part.as_bytes());
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// The name of a type without modules and crates, also in its parameters.
fn without_paths(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("::") {
        let (before, after) = rest.split_at(at);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        short.push_str(before.trim_end_matches(is_word));
        rest = &after[2..];
    }
    short.push_str(rest);
    short
}

fn short(text: &Text) -> String {
    hex(&text.hash()[..SHORT / 2])
}

/// How many digits it has.
const SHORT: usize = 16;

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

/// The hashes of steps in one text, which no quotes have to be escaped in, and which is not read unless it is needed: of
/// each step the length of its name, a colon, the name, and its hashes.
pub(super) fn to_text(steps: &BTreeMap<String, StepPrint>) -> String {
    let mut text = String::new();
    for (name, print) in steps {
        let parts = [&name.len().to_string(), ":", name, &print.own, &print.out];
        parts.into_iter().for_each(|part| text.push_str(part));
    }
    text
}

/// Reads them back; nothing if that is no such text.
pub(super) fn from_text(mut text: &str) -> Option<BTreeMap<String, StepPrint>> {
    let mut steps = BTreeMap::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        let (name, rest) = rest.split_at_checked(length.parse().ok()?)?;
        let (own, rest) = rest.split_at_checked(SHORT)?;
        let (out, rest) = rest.split_at_checked(SHORT)?;
        let (own, out) = (own.to_owned(), out.to_owned());
        steps.insert(name.to_owned(), StepPrint { own, out });
        text = rest;
    }
    Some(steps)
}

impl From<Fingerprint> for String {
    fn from(print: Fingerprint) -> Self {
        hex(&print.0)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "a fingerprint has 64 hexadecimal digits";
        let digits = text.chars().map(|c| c.to_digit(16));
        let digits: Option<Vec<u32>> = digits.collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(wrong)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_steps_come_back_from_their_text() {
        let print = |digit: &str| StepPrint {
            own: digit.repeat(SHORT),
            out: "f".repeat(SHORT),
        };
        let names = ["", "1:a", "\"\\é", "12"].map(str::to_owned);
        let steps = BTreeMap::from(names.map(|name| (name, print("3"))));
        let text = to_text(&steps);
        assert_eq!(from_text(&text), Some(steps));
        assert_eq!(from_text(&text[1..]), None);
        assert_eq!(from_text(&text[..text.len() - 1]), None);
        assert_eq!(from_text("99999999999999999999:a"), None);
        assert_eq!(from_text("1:é"), None);
        assert_eq!(from_text(""), Some(BTreeMap::new()));
    }

    #[test]
    fn names_of_types_lose_their_paths() {
        let name = "core::option::Option<alloc::vec::Vec<(my::inner::Answer, &str)>>";
        assert_eq!(without_paths(name), "Option<Vec<(Answer, &str)>>");
        assert_eq!(without_paths("u32"), "u32");
    }
}
