use std::fmt;

/// What a repair does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RepairKind {
    /// An escape that JSON does not have was read as what it was meant to be, or kept as it stands.
    BadEscape,
    /// The name of a function or type around a value was dropped: `ObjectId("a")`.
    Call,
    /// A comment was skipped.
    Comment,
    /// Strings beside each other were put together.
    Concatenated,
    /// A line break or another control character stood in a string, and was kept.
    ControlCharacter,
    /// The text ended too early; what had begun was closed, and what had not got far enough to mean anything dropped.
    CutOff,
    /// Braces stood twice.
    DoubledBraces,
    /// A key came again; the last one counts.
    DuplicateKey,
    /// An ellipsis was skipped.
    Ellipsis,
    /// A document was escaped as if it stood in a string.
    Escaped,
    /// A closing bracket that closes nothing was skipped.
    ExtraCloser,
    /// A comma before the first item, or after another comma, was skipped.
    ExtraComma,
    /// The document stood in a fenced block.
    Fence,
    /// A quote inside a string was not escaped.
    InnerQuote,
    /// A key and its value were joined by something else than a colon.
    KeySeparator,
    /// A literal of another language: `True`, `None`, `undefined`.
    Literal,
    /// A closing bracket was missing.
    MissingCloser,
    /// The colon after a key was missing.
    MissingColon,
    /// A comma was missing.
    MissingComma,
    /// A value in an object had no key; it got the empty one.
    MissingKey,
    /// The bracket that opens the document was missing.
    MissingOpener,
    /// The quote that ends a string was missing.
    MissingQuote,
    /// A key had no value; it got null.
    MissingValue,
    /// A number that JSON does not have, such as `NaN`; it became null.
    NonFinite,
    /// A number was written in another way: `.5`, `0x1F`, `+1`, `007`.
    Number,
    /// Text around the document was skipped.
    Prose,
    /// A string had other quotes.
    Quotes,
    /// A semicolon stood for a comma.
    Semicolon,
    /// A set became an array.
    Set,
    /// There were several documents.
    SeveralDocuments,
    /// A letter before a string was dropped: `u"a"`.
    StringPrefix,
    /// A comma after the last item was skipped.
    TrailingComma,
    /// A tuple became an array.
    Tuple,
    /// A key had no quotes.
    UnquotedKey,
    /// A string had no quotes.
    UnquotedValue,
    /// Space that JSON does not have, or a byte order mark, was skipped.
    Whitespace,
    /// One bracket stood where another belongs.
    WrongCloser,
}

impl fmt::Display for RepairKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEscape => "bad escape",
            Self::Call => "call",
            Self::Comment => "comment",
            Self::Concatenated => "concatenated strings",
            Self::ControlCharacter => "control character",
            Self::CutOff => "cut off",
            Self::DoubledBraces => "doubled braces",
            Self::DuplicateKey => "duplicate key",
            Self::Ellipsis => "ellipsis",
            Self::Escaped => "escaped document",
            Self::ExtraCloser => "extra closer",
            Self::ExtraComma => "extra comma",
            Self::Fence => "fenced block",
            Self::InnerQuote => "inner quote",
            Self::KeySeparator => "key separator",
            Self::Literal => "literal",
            Self::MissingCloser => "missing closer",
            Self::MissingColon => "missing colon",
            Self::MissingComma => "missing comma",
            Self::MissingKey => "missing key",
            Self::MissingOpener => "missing opener",
            Self::MissingQuote => "missing quote",
            Self::MissingValue => "missing value",
            Self::NonFinite => "not a finite number",
            Self::Number => "number",
            Self::Prose => "prose",
            Self::Quotes => "quotes",
            Self::Semicolon => "semicolon",
            Self::Set => "set",
            Self::SeveralDocuments => "several documents",
            Self::StringPrefix => "string prefix",
            Self::TrailingComma => "trailing comma",
            Self::Tuple => "tuple",
            Self::UnquotedKey => "unquoted key",
            Self::UnquotedValue => "unquoted value",
            Self::Whitespace => "whitespace",
            Self::WrongCloser => "wrong closer",
        })
    }
}
