use serde_json::Value;

use crate::repair::document::Document;
use crate::repair::frame::Kind;
use crate::repair::quotes::Quotes;
use crate::repair::string::Text;
use crate::repair::string_end::Role;
use crate::repair::token::Token;
use crate::{RepairError, RepairKind};

impl<'t> Document<'_, 't> {
    /// Reads a key and what joins it to its value; or finds that there are no keys here.
    pub(super) fn key(&mut self) -> Result<(), RepairError> {
        if let Some((quotes, opening)) = Quotes::open(self.scanner, self.scanner.at) {
            let place = self.place(Role::Key);
            let Text { text, cut, .. } = self.scanner.string(quotes, opening, &place);
            if !cut {
                self.after_key(text, None);
            }
            return Ok(());
        }
        match self.scanner.peek() {
            Some(byte @ (b'{' | b'[' | b'(')) => self.value_for_key(byte),
            Some(b':' | b'=') => {
                self.scanner.report(RepairKind::MissingKey);
                self.after_key(String::new(), None);
                Ok(())
            }
            _ => {
                self.bare_key();
                Ok(())
            }
        }
    }

    /// A value stands where a key should.
    fn value_for_key(&mut self, byte: u8) -> Result<(), RepairError> {
        let in_array = matches!(self.stack.as_slice(), [.., outer, _] if outer.kind == Kind::Array);
        if !self.top().started {
            self.top().kind = Kind::Set;
        } else if byte == b'{' && in_array {
            // The object before it was not closed, and the comma between them is the array's.
            self.scanner.report(RepairKind::MissingCloser);
            let comma = std::mem::take(&mut self.top().comma);
            self.pop();
            self.top().comma = comma;
            return Ok(());
        } else {
            self.scanner.report(RepairKind::MissingKey);
            self.top().key = Some(String::new());
        }
        self.value()
    }

    fn bare_key(&mut self) {
        let from = self.scanner.at;
        let word = self.key_word();
        if word.is_empty() {
            self.scanner.advance_char();
            return;
        }
        if self.scanner.is_at_end() {
            return;
        }
        // `name": 1`: only the first quote is missing.
        if let Some(b'"' | b'\'') = self.scanner.peek() {
            let next = self.scanner.after_space(self.scanner.at + 1);
            if self.scanner.byte(next) == Some(b':') {
                self.scanner.report(RepairKind::MissingQuote);
                self.scanner.advance(1);
                self.after_key(word.to_owned(), None);
                return;
            }
        }
        self.after_key(word.to_owned(), Some(from));
    }

    /// The text up to what ends a key that has no quotes.
    fn key_word(&mut self) -> &'t str {
        let rest = self.scanner.rest();
        let ends = |byte: &u8| b":=,;}]{[(\"'\n".contains(byte);
        let length = rest.bytes().position(|byte| ends(&byte));
        let word = &rest[..length.unwrap_or(rest.len())];
        let word = word.split("->").next().unwrap_or(word);
        self.scanner.advance(word.len());
        word.trim_end()
    }

    /// Passes what joins a key to its value. `bare` is where a key without quotes began.
    pub(super) fn after_key(&mut self, key: String, bare: Option<usize>) {
        self.scanner.skip_gap();
        let rest = self.scanner.rest().as_bytes();
        let joint = match rest {
            [] => return,
            [b':', b'=', ..] | [b'=', b'>', ..] | [b'-', b'>', ..] => 2,
            [b':', ..] => 1,
            [b'=', ..] => 1,
            [b',' | b';' | b'}' | b']', ..] => return self.lone_key(key, bare),
            _ if self.scanner.is_fence(self.scanner.at) => return,
            _ => 0,
        };
        let kind = match (joint, rest) {
            (0, _) => Some(RepairKind::MissingColon),
            (1, [b':', ..]) => None,
            _ => Some(RepairKind::KeySeparator),
        };
        if let Some(from) = bare {
            self.scanner.report.add(from, RepairKind::UnquotedKey);
        }
        if let Some(kind) = kind {
            self.scanner.report(kind);
        }
        self.scanner.advance(joint);
        while self.scanner.peek() == Some(b':') {
            self.scanner.report(RepairKind::KeySeparator);
            self.scanner.advance(1);
        }
        self.top().key = Some(key);
    }

    /// A key without a value: in the first place it is the first item of a set.
    fn lone_key(&mut self, key: String, bare: Option<usize>) {
        if self.top().started {
            if let Some(from) = bare {
                self.scanner.report.add(from, RepairKind::UnquotedKey);
            }
            self.scanner.report(RepairKind::MissingValue);
            self.top().key = Some(key);
            self.put(Value::Null);
            return;
        }
        self.top().kind = Kind::Set;
        let item = match bare.map(|_| Token::read(&key, false)) {
            Some(Token::Known(value, _)) => value,
            _ => Value::String(key),
        };
        self.put(item);
    }
}
