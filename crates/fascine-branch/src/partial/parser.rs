use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::decode::{decode_value, too_large};
use crate::partial::machine::Machine;
use crate::partial::snapshot::Snapshot;
use crate::{DecodeError, DecodeOptions, Decoded, RepairLimits, Schema, decode};

/// Reads JSON while it is being written.
///
/// Each piece of text is read once, in O(its length), wherever it is cut; the value grows in place. Prose and fences before
/// the document are passed. At a fault that would need a guess it stops, and says no more until
/// [`finish`](Self::finish), which repairs the whole text.
///
/// ```
/// use fascine_branch::PartialParser;
///
/// let mut parser = PartialParser::new();
/// assert!(parser.feed("Here it is: ").is_none());
/// let snapshot = parser.feed("{\"name\": \"Bor").unwrap();
/// assert_eq!((snapshot.value()["name"].as_str(), snapshot.open_path().as_str()), (Some("Bor"), "/name"));
/// assert!(parser.feed("").is_none(), "nothing new");
/// assert_eq!(parser.feed("is\", \"legs\": 8").unwrap().value()["name"], "Boris");
/// assert_eq!(parser.feed("}").unwrap().value()["legs"], 8);
/// ```
#[derive(Debug)]
pub struct PartialParser {
    machine: Machine,
    limits: RepairLimits,
    text: String,
    /// How long the text is, whether or not it was kept.
    bytes: usize,
}

impl PartialParser {
    /// Makes a parser that has read nothing, with the usual [`RepairLimits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(RepairLimits::default())
    }

    /// Makes a parser that has read nothing.
    #[must_use]
    pub fn with_limits(limits: RepairLimits) -> Self {
        Self {
            machine: Machine::new(limits.depth()),
            limits,
            text: String::new(),
            bytes: 0,
        }
    }

    /// Reads on. A snapshot if there is anything to see that was not there before.
    pub fn feed(&mut self, piece: &str) -> Option<Snapshot<'_>> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > self.limits.bytes() {
            self.machine.lose();
            return None;
        }
        self.text.push_str(piece);
        if self.machine.is_over() || piece.is_empty() {
            return None;
        }
        self.machine.tree.detach();
        self.machine.read(piece);
        self.machine.tree.attach(usize::MAX, true);
        match std::mem::take(&mut self.machine.tree.changed) {
            true => self.snapshot(),
            false => None,
        }
    }

    /// The value as far as it has come; none before its first bracket.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot<'_>> {
        Snapshot::new(&self.machine.tree, self.machine.is_done())
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How much was done so far: bytes read, and open levels passed.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.bytes as u64 + self.machine.tree.moves
    }

    /// Ends the text: what is there is the whole answer. See [`decode`].
    ///
    /// What was read without a fault is not read again.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is not the value that was wanted, as when it is cut off.
    pub fn finish<T: DeserializeOwned>(
        mut self,
        schema: &Schema,
        options: &DecodeOptions,
    ) -> Result<Decoded<T>, DecodeError> {
        if self.bytes > self.limits.bytes() {
            return Err(too_large(&self.text, self.bytes, self.limits.bytes()));
        }
        match self.whole() {
            Some(value) => decode_value(&self.text, value, schema, options),
            None => decode(&self.text, schema, options),
        }
    }

    /// The value, if there is nothing in the text that could change it: no fault, and no other document.
    fn whole(&mut self) -> Option<Value> {
        let machine = &mut self.machine;
        let only = machine.is_done() && !machine.more && !machine.start.skipped;
        only.then(|| machine.tree.take_root())?
    }

    pub(super) fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }
}

impl Default for PartialParser {
    fn default() -> Self {
        Self::new()
    }
}
