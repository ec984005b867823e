use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::partial::account::Account;
use crate::partial::parser::PartialParser;
use crate::{DecodeError, DecodeOptions, Decoded, RepairLimits, Schema};

/// Reads a value of a type while it is being written.
///
/// `T` is what there may be of the answer: its fields are `Option`s or have `#[serde(default)]`, but where nothing is to be seen of
/// a part before it is complete. A part that is not yet one, such as half a word of an enum or an item that lacks a field, is left
/// out of a snapshot. No snapshot equals the one before.
///
/// Snapshots of an answer of some KiB come with every change; those of larger ones at steps that grow with it, since each costs
/// as much as there is: all together cost O(the length of the text). [`PartialParser`] shows every change of any answer.
///
/// ```
/// use fascine_branch::PartialDecoder;
/// use serde::Deserialize;
///
/// #[derive(Debug, Default, Deserialize, PartialEq)]
/// #[serde(default)]
/// struct Draft {
///     name: String,
///     legs: Option<u8>,
/// }
///
/// let mut decoder = PartialDecoder::<Draft>::new();
/// assert_eq!(decoder.feed("{\"name\": \"Bor").unwrap().name, "Bor");
/// assert_eq!(decoder.feed("is\", \"legs\": ").unwrap().name, "Boris");
/// assert!(decoder.feed("8").is_none(), "it may become 80");
/// assert_eq!(decoder.feed("}").unwrap().legs, Some(8));
/// ```
pub struct PartialDecoder<T> {
    parser: PartialParser,
    account: Account,
    last: Option<Arc<T>>,
    /// Whether something changed that no snapshot has shown.
    is_due: bool,
}

impl<T: DeserializeOwned + PartialEq> PartialDecoder<T> {
    /// Makes a decoder that has read nothing, with the usual [`RepairLimits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(RepairLimits::default())
    }

    /// Makes a decoder that has read nothing.
    #[must_use]
    pub fn with_limits(limits: RepairLimits) -> Self {
        Self {
            parser: PartialParser::with_limits(limits),
            account: Account::default(),
            last: None,
            is_due: false,
        }
    }

    /// Reads on. A snapshot if there is one that is new, and it is time for one.
    pub fn feed(&mut self, piece: &str) -> Option<Arc<T>> {
        self.account.earn(piece.len());
        self.is_due |= self.parser.feed(piece).is_some();
        if !self.is_due {
            return None;
        }
        let value = Arc::new(self.snapshot()?);
        if self.last.as_ref() == Some(&value) {
            return None;
        }
        self.last = Some(Arc::clone(&value));
        Some(value)
    }

    /// The last snapshot.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<T>> {
        self.last.as_ref()
    }

    /// The parser, with the text and the value as far as they have come.
    #[must_use]
    pub fn parser(&self) -> &PartialParser {
        &self.parser
    }

    /// How much was done so far, in bytes read or what costs as much.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.parser.work() + self.account.spent
    }

    /// Ends the text: what is there is the whole answer, now as a value of the type that was wanted. See
    /// [`PartialParser::finish`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is none, as when it is cut off.
    pub fn finish<A: DeserializeOwned>(
        self,
        schema: &Schema,
        options: &DecodeOptions,
    ) -> Result<Decoded<A>, DecodeError> {
        self.parser.finish(schema, options)
    }

    /// The value as a `T`: with all there is of it, or without the parts at its end that are not yet what they have to be.
    fn snapshot(&mut self) -> Option<T> {
        let tree = &mut self.parser.machine().tree;
        let (size, levels) = (tree.size, tree.levels());
        let attempts = tree.has_leaf().then_some((levels, true));
        let attempts = attempts
            .into_iter()
            .chain((1..=levels.max(1)).rev().map(|levels| (levels, false)));
        let mut value = None;
        let mut paid = true;
        for (levels, leaf) in attempts {
            paid = self.account.pay(size);
            if !paid {
                break;
            }
            tree.detach();
            tree.attach(levels, leaf);
            value = tree.root().and_then(|root| T::deserialize(root).ok());
            if value.is_some() {
                break;
            }
        }
        tree.detach();
        tree.attach(usize::MAX, true);
        // What cannot be paid for is still to be shown; what is no `T` may be one after the next change.
        self.is_due = !paid;
        value
    }
}

impl<T: DeserializeOwned + PartialEq> Default for PartialDecoder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PartialDecoder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialDecoder")
            .field("text", &self.parser.text())
            .field("is_due", &self.is_due)
            .finish_non_exhaustive()
    }
}
