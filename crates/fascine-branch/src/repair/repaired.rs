use std::fmt;

use serde_json::Value;

use crate::repair::report::Report;

/// What was read, and what had to be done for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Repaired {
    /// The value. Several documents are an array of theirs.
    pub value: Value,
    /// How many documents there were: more than one only where the text did not put them into an array itself.
    pub documents: usize,
    /// What was done, in the order of the text; none for valid JSON.
    pub repairs: Vec<Repair>,
    /// How many more repairs were done than are listed.
    pub unlisted: usize,
    /// How many steps it took; none for valid JSON.
    pub steps: u64,
    pub(crate) cut_off: bool,
}

impl Repaired {
    pub(super) fn new(value: Value, documents: usize, report: Report, steps: u64) -> Self {
        Self {
            value,
            documents,
            repairs: report.list,
            unlisted: report.unlisted,
            steps,
            cut_off: report.cut_off,
        }
    }

    /// Whether the text was valid JSON.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.repairs.is_empty() && self.unlisted == 0
    }

    /// Whether the text broke off before its JSON was complete.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }
}

/// One repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// Where, in bytes from the beginning of the text.
    pub at: usize,
    /// What was done.
    pub kind: RepairKind,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.at)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// What a repair does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum RepairKind {
            $($(#[$doc])* $kind,)+
        }

        impl fmt::Display for RepairKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$kind => $name,)+
                })
            }
        }
    };
}

kinds! {
    /// An escape that JSON does not have was read as what it was meant to be, or kept as it stands.
    BadEscape = "bad escape",
    /// The name of a function or type around a value was dropped: `ObjectId("a")`.
    Call = "call",
    /// A comment was skipped.
    Comment = "comment",
    /// Strings beside each other were put together.
    Concatenated = "concatenated strings",
    /// A line break or another control character stood in a string, and was kept.
    ControlCharacter = "control character",
    /// The text ended too early; what had begun was closed, and what had not got far enough to mean anything dropped.
    CutOff = "cut off",
    /// Braces stood twice.
    DoubledBraces = "doubled braces",
    /// A key came again; the last one counts.
    DuplicateKey = "duplicate key",
    /// An ellipsis was skipped.
    Ellipsis = "ellipsis",
    /// A document was escaped as if it stood in a string.
    Escaped = "escaped document",
    /// A closing bracket that closes nothing was skipped.
    ExtraCloser = "extra closer",
    /// A comma before the first item, or after another comma, was skipped.
    ExtraComma = "extra comma",
    /// The document stood in a fenced block.
    Fence = "fenced block",
    /// A quote inside a string was not escaped.
    InnerQuote = "inner quote",
    /// A key and its value were joined by something else than a colon.
    KeySeparator = "key separator",
    /// A literal of another language: `True`, `None`, `undefined`.
    Literal = "literal",
    /// A closing bracket was missing.
    MissingCloser = "missing closer",
    /// The colon after a key was missing.
    MissingColon = "missing colon",
    /// A comma was missing.
    MissingComma = "missing comma",
    /// A value in an object had no key; it got the empty one.
    MissingKey = "missing key",
    /// The bracket that opens the document was missing.
    MissingOpener = "missing opener",
    /// The quote that ends a string was missing.
    MissingQuote = "missing quote",
    /// A key had no value; it got null.
    MissingValue = "missing value",
    /// A number that JSON does not have, such as `NaN`; it became null.
    NonFinite = "not a finite number",
    /// A number was written in another way: `.5`, `0x1F`, `+1`, `007`.
    Number = "number",
    /// Text around the document was skipped.
    Prose = "prose",
    /// A string had other quotes.
    Quotes = "quotes",
    /// A semicolon stood for a comma.
    Semicolon = "semicolon",
    /// A set became an array.
    Set = "set",
    /// There were several documents.
    SeveralDocuments = "several documents",
    /// A letter before a string was dropped: `u"a"`.
    StringPrefix = "string prefix",
    /// A comma after the last item was skipped.
    TrailingComma = "trailing comma",
    /// A tuple became an array.
    Tuple = "tuple",
    /// A key had no quotes.
    UnquotedKey = "unquoted key",
    /// A string had no quotes.
    UnquotedValue = "unquoted value",
    /// Space that JSON does not have, or a byte order mark, was skipped.
    Whitespace = "whitespace",
    /// One bracket stood where another belongs.
    WrongCloser = "wrong closer",
}
