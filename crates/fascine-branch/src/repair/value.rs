use serde_json::Value;

use crate::repair::ahead::Ahead;
use crate::repair::document::Document;
use crate::repair::frame::Kind;
use crate::repair::quotes::Quotes;
use crate::repair::string::Text;
use crate::repair::string_end::Role;
use crate::repair::token::Token;
use crate::{RepairError, RepairKind};

impl<'t> Document<'_, 't> {
    /// Reads a value, or opens one.
    pub(super) fn value(&mut self) -> Result<(), RepairError> {
        if let Some((quotes, opening)) = Quotes::open(self.scanner, self.scanner.at) {
            let text = self.string_value(quotes, opening);
            match self.is_key_of_outer() {
                true => self.close_for_key(text),
                false => self.put(Value::String(text)),
            }
            return Ok(());
        }
        match self.scanner.peek() {
            Some(b'{') => self.open(Kind::Object),
            Some(b'[') => self.open(Kind::Array),
            Some(b'(') => self.open(Kind::Tuple),
            _ => self.bare_value(),
        }
    }

    /// Whether the string that was just read in an array is a key of the object around it: `{"a": [1, "b": 2}`.
    fn is_key_of_outer(&mut self) -> bool {
        let [.., outer, inner] = self.stack.as_slice() else {
            return false;
        };
        if (outer.kind, inner.kind) != (Kind::Object, Kind::Array) {
            return false;
        }
        let next = self.scanner.after_space(self.scanner.at);
        self.scanner.byte(next) == Some(b':')
    }

    fn close_for_key(&mut self, key: String) {
        self.scanner.report(RepairKind::MissingCloser);
        self.top().comma = false;
        self.pop();
        self.after_key(key, None);
    }

    fn open(&mut self, kind: Kind) -> Result<(), RepairError> {
        self.push(kind)?;
        self.scanner.advance(1);
        Ok(())
    }

    /// Reads a string, and those that are joined to it.
    fn string_value(&mut self, quotes: Quotes, opening: usize) -> String {
        let is_value = self.top().key.is_some();
        let place = self.place(if is_value { Role::Value } else { Role::Item });
        let Text {
            mut text, mut cut, ..
        } = self.scanner.string(quotes, opening, &place);
        while !cut {
            let end = self.scanner.after_space(self.scanner.at);
            let joined = match self.scanner.byte(end) {
                Some(b'+') => self.scanner.after_space(end + 1),
                // Beside each other: in an object they are one, in an array a comma is missing.
                Some(b'"' | b'\'') if is_value => end,
                _ => break,
            };
            let Some((quotes, opening)) = Quotes::open(self.scanner, joined) else {
                break;
            };
            if joined == end && self.scanner.string_ahead(end) == Ahead::Key {
                break;
            }
            self.scanner.at = joined;
            self.scanner.report(RepairKind::Concatenated);
            let next = self.scanner.string(quotes, opening, &place);
            text.push_str(&next.text);
            cut = next.cut;
        }
        text
    }

    /// Reads a value without quotes: a literal, a number, a call, or text as far as it goes.
    fn bare_value(&mut self) -> Result<(), RepairError> {
        let from = self.scanner.at;
        let name = self.after_name(from);
        match self.scanner.byte(name) {
            Some(b'(') if name > from => {
                self.scanner.advance(name - from);
                return self.open(Kind::Call);
            }
            Some(b'"' | b'\'') if matches!(name - from, 1 | 2) && self.is_prefix(from, name) => {
                self.scanner.report(RepairKind::StringPrefix);
                self.scanner.advance(name - from);
                return self.value();
            }
            _ => {}
        }
        let word = self.bare_word();
        let cut = self.scanner.is_at_end();
        match Token::read(word, cut) {
            Token::Known(value, repair) => {
                if let Some(repair) = repair {
                    self.scanner.report.add(from, repair);
                }
                self.put(value);
            }
            Token::Nothing => self.scanner.report(RepairKind::CutOff),
            Token::Text if word.is_empty() => self.scanner.advance_char(),
            Token::Text => {
                self.scanner.report.add(from, RepairKind::UnquotedValue);
                let text = Value::String(word.to_owned());
                self.put(text);
            }
        }
        Ok(())
    }

    fn is_prefix(&self, from: usize, to: usize) -> bool {
        let letters = &self.scanner.text().as_bytes()[from..to];
        letters.iter().all(|letter| b"bfruBFRU".contains(letter))
    }

    /// Where the name that begins at `from` ends; it may have dots.
    fn after_name(&mut self, from: usize) -> usize {
        let mut end = self.scanner.after_word(from);
        for _ in 0..4 {
            if self.scanner.byte(end) != Some(b'.') {
                break;
            }
            end = self.scanner.after_word(end + 1);
        }
        end
    }

    /// The text up to what ends a value that has no quotes.
    fn bare_word(&mut self) -> &'t str {
        let from = self.scanner.at;
        while let Some(byte) = self.scanner.peek() {
            match byte {
                b',' | b'}' | b']' | b'\n' => break,
                b')' if self.tuples > 0 => break,
                b';' | b'\\' if self.is_scalar(from) => break,
                b' ' | b'\t' | b'\r' | 0x0B | 0x0C | 0x80.. => {
                    let next = self.scanner.after_space(self.scanner.at);
                    if next == self.scanner.at {
                        self.scanner.advance_char();
                    } else if self.ends_bare_word(from, next) {
                        break;
                    }
                    self.scanner.at = next.max(self.scanner.at);
                }
                _ => self.scanner.advance(1),
            }
        }
        self.scanner.text()[from..self.scanner.at].trim_end()
    }

    /// Whether what began at `from` is a literal or number: what follows must be something new.
    fn is_scalar(&self, from: usize) -> bool {
        let word = &self.scanner.text()[from..self.scanner.at];
        word.len() <= LONGEST_SCALAR && Token::is_scalar(word)
    }

    /// Whether what stands at `next`, after space, is no more part of the value that began at `from`.
    fn ends_bare_word(&mut self, from: usize, next: usize) -> bool {
        let is_scalar = self.is_scalar(from);
        let in_object = self.top().key.is_some();
        match self.scanner.byte(next) {
            Some(b'#' | b'\n' | b',' | b'}' | b']') | None => true,
            Some(b'/') => matches!(self.scanner.byte(next + 1), Some(b'/' | b'*')),
            Some(b'"' | b'\'') => is_scalar || self.scanner.string_ahead(next) == Ahead::Key,
            Some(_) if is_scalar && in_object => self.scanner.is_bare_key(next),
            Some(b'{' | b'[' | b'-' | b'0'..=b'9') => is_scalar,
            Some(_) => is_scalar && self.scanner.is_literal(next),
        }
    }
}

/// Longer words are text.
const LONGEST_SCALAR: usize = 40;
