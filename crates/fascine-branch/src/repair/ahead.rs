use crate::repair::quotes::Quotes;
use crate::repair::scanner::{AHEAD, Scanner};

/// What a quote that was met begins, as far as can be seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// A key: a short string, and a colon.
    Key,
    /// A string that is cut off, or goes on for longer than anybody looks.
    Open,
    /// Prose: what follows belongs to no structure.
    Text,
    /// A short string, and what may follow a value.
    Value,
}

impl Scanner<'_> {
    /// Looks at the string whose quote opens at `at`.
    pub(super) fn string_ahead(&mut self, at: usize) -> Ahead {
        let Some((quotes, bytes)) = Quotes::open(self, at) else {
            return Ahead::Text;
        };
        let mut end = at + bytes;
        let stop = end + AHEAD;
        loop {
            self.steps += 1;
            let Some(byte) = self.byte(end) else {
                return Ahead::Open;
            };
            if end >= stop {
                return Ahead::Open;
            }
            if quotes.leads().contains(&byte)
                && let Some(bytes) = self.text().get(end..).and_then(|rest| quotes.close(rest))
            {
                end += bytes;
                break;
            }
            end += match byte {
                b'\n' => return Ahead::Text,
                b'\\' => 2,
                _ => 1,
            };
        }
        let next = self.after_space(end);
        match self.byte(next) {
            Some(b':' | b'=') => Ahead::Key,
            Some(b',' | b'}' | b']' | b'{' | b'[' | b'"' | b';') | None => Ahead::Value,
            Some(b'-' | b'0'..=b'9') => Ahead::Value,
            Some(_) if self.is_literal(next) => Ahead::Value,
            Some(_) => Ahead::Text,
        }
    }

    /// Whether a word and a colon stand at `at`: a key without quotes.
    pub(super) fn is_bare_key(&mut self, at: usize) -> bool {
        let end = self.after_word(at);
        if end == at {
            return false;
        }
        let next = self.after_space(end);
        match self.byte(next) {
            Some(b':') => !self.from(next + 1).starts_with("//"),
            Some(b'=') => true,
            _ => false,
        }
    }

    /// Whether a word stands at `at` that is an item of its own.
    pub(super) fn is_bare_item(&mut self, at: usize) -> bool {
        let end = self.after_word(at);
        let next = self.after_space(end);
        end > at && matches!(self.byte(next), Some(b',' | b']' | b'}') | None)
    }

    /// Whether a literal, or the beginning of one that is cut off, stands at `at`.
    pub(super) fn is_literal(&mut self, at: usize) -> bool {
        let end = self.after_word(at);
        let word = self.text().get(at..end).unwrap_or_default();
        let cut = end == self.text().len();
        LITERALS
            .iter()
            .any(|literal| word == *literal || cut && !word.is_empty() && literal.starts_with(word))
    }

    /// Where the word that begins at `at` ends.
    pub(super) fn after_word(&mut self, at: usize) -> usize {
        let bytes = self.text().as_bytes();
        let word = bytes[at.min(bytes.len())..].iter();
        let mut length = word
            .take(AHEAD)
            .take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | 0x80..)
            })
            .count();
        while length > 0 && !self.text().is_char_boundary(at + length) {
            length -= 1;
        }
        self.steps += length as u64 + 1;
        at + length
    }
}

pub(super) const LITERALS: [&str; 7] = [
    "true",
    "false",
    "null",
    "True",
    "False",
    "None",
    "undefined",
];
