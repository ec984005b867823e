use crate::repair::ahead::Ahead;
use crate::repair::scanner::Scanner;

/// Where in a document a string stands, which decides what may follow it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) role: Role,
    /// How many brackets of each kind are open around it.
    pub(super) arrays: usize,
    pub(super) objects: usize,
    pub(super) tuples: usize,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An item of an array.
    Item,
    /// A key of an object.
    Key,
    /// The whole document.
    Root,
    /// The value of a key.
    Value,
}

impl Place {
    pub(super) fn root() -> Self {
        Self {
            role: Role::Root,
            arrays: 0,
            objects: 0,
            tuples: 0,
        }
    }

    pub(super) fn is_object_value(&self) -> bool {
        self.role == Role::Value
    }
}

/// Whether a quote ends its string is decided by what comes after it. Whatever can follow a string in valid JSON ends
/// it; so a string that is written as it should be is always read as it stands.
impl Scanner<'_> {
    /// Whether the closing quote here, of `closing` bytes, ends the string.
    pub(super) fn ends_string(&mut self, closing: usize, place: &Place) -> bool {
        let after = self.at + closing;
        let next = self.after_space(after);
        let Some(byte) = self.byte(next) else {
            return true;
        };
        if self.is_fence(next) {
            return true;
        }
        match place.role {
            Role::Root => false,
            Role::Key => self.follows_key(byte, next),
            Role::Item | Role::Value => self.follows_value(byte, after, next, place),
        }
    }

    fn follows_key(&mut self, byte: u8, next: usize) -> bool {
        match byte {
            b':' | b'=' | b',' | b'}' | b']' | b'{' | b'[' | b'-' | b'0'..=b'9' => true,
            b'"' | b'\'' => self.string_ahead(next) != Ahead::Text,
            b'\\' => self.byte(next + 1) == Some(b'"'),
            b'/' => self.is_comment(next),
            _ => self.is_literal(next),
        }
    }

    fn follows_value(&mut self, byte: u8, after: usize, next: usize, place: &Place) -> bool {
        let new_line = self.text()[after..next].contains('\n');
        let in_array = place.role == Role::Item;
        match byte {
            b'}' => (!in_array || place.objects > 0) && self.follows_closer(next + 1, place),
            b']' => (in_array || place.arrays > 0) && self.follows_closer(next + 1, place),
            b')' => place.tuples > 0,
            b',' | b';' => self.follows_comma(next + 1, place),
            // It is a key: the array around it was not closed.
            b':' => in_array && place.objects > 0,
            b'/' => self.is_comment(next),
            b'#' => next > after,
            b'+' => {
                let operand = self.after_space(next + 1);
                matches!(self.byte(operand), Some(b'"' | b'\'') | None)
            }
            b'.' => in_array && self.from(next).starts_with(".."),
            b'"' | b'\'' | b'`' => {
                in_array
                    || match self.string_ahead(next) {
                        Ahead::Key | Ahead::Value => true,
                        Ahead::Open => new_line,
                        Ahead::Text => false,
                    }
            }
            b'\\' => matches!(self.byte(next + 1), Some(b'"' | b'n' | b'r' | b't')),
            b'{' | b'[' => in_array && new_line,
            _ => new_line && !in_array && self.is_bare_key(next),
        }
    }

    /// Whether a closing bracket that ends at `at` closes anything, or is part of a text: `"use x["a"] = 1"`.
    fn follows_closer(&mut self, at: usize, place: &Place) -> bool {
        if place.arrays + place.objects + place.tuples < 2 {
            return true;
        }
        let next = self.after_space(at);
        let new_line = self.text()[at..next].contains('\n');
        match self.byte(next) {
            Some(byte) => {
                new_line || !(byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'.' | b'('))
            }
            None => true,
        }
    }

    fn follows_comma(&mut self, at: usize, place: &Place) -> bool {
        let next = self.after_space(at);
        let Some(byte) = self.byte(next) else {
            return true;
        };
        match byte {
            b'}' | b']' | b',' | b'#' => return true,
            b')' => return place.tuples > 0,
            b'/' => return self.is_comment(next),
            b'.' => return self.from(next).starts_with(".."),
            b'\\' => return matches!(self.byte(next + 1), Some(b'"' | b'n' | b'r' | b't')),
            _ => {}
        }
        if place.role == Role::Item {
            return match byte {
                b'"' | b'\'' | b'`' | b'-' | b'+' | b'0'..=b'9' | b'{' | b'[' | b'(' | 0xE2 => true,
                _ => self.is_literal(next) || self.is_bare_item(next),
            };
        }
        match byte {
            b'"' | b'\'' | b'`' => self.string_ahead(next) != Ahead::Text,
            0xE2 => self.string_ahead(next) == Ahead::Key,
            b'{' => place.arrays > 0,
            _ => self.is_bare_key(next),
        }
    }

    fn is_comment(&self, at: usize) -> bool {
        matches!(self.byte(at + 1), Some(b'/' | b'*'))
    }
}
