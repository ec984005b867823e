use crate::RepairKind;
use crate::repair::scanner::Scanner;

/// What a backslash in a string means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// This character.
    Char(char),
    /// The text ends within the escape.
    CutOff,
    /// Nothing: the line goes on.
    Nothing,
    /// Itself: it was not escaped, as in a Windows path or in TeX. What follows is still to be read.
    Raw,
}

impl Scanner<'_> {
    /// Reads the escape that begins here.
    pub(super) fn escape(&mut self) -> Escape {
        let Some(byte) = self.byte(self.at + 1) else {
            return Escape::CutOff;
        };
        let char = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            b'\'' | b'`' => {
                self.report(RepairKind::BadEscape);
                char::from(byte)
            }
            b'\n' => {
                self.report(RepairKind::BadEscape);
                self.advance(2);
                return Escape::Nothing;
            }
            b'x' => match self.hex(self.at + 2, 2) {
                Hex::Value(code) => {
                    self.report(RepairKind::BadEscape);
                    self.advance(4);
                    return Escape::Char(char::from_u32(code).unwrap_or(REPLACEMENT));
                }
                Hex::CutOff => return Escape::CutOff,
                Hex::None => return self.raw(),
            },
            _ => return self.raw(),
        };
        self.advance(2);
        Escape::Char(char)
    }

    fn raw(&mut self) -> Escape {
        self.report(RepairKind::BadEscape);
        self.advance(1);
        Escape::Raw
    }

    fn unicode_escape(&mut self) -> Escape {
        if self.byte(self.at + 2) == Some(b'{') {
            return self.braced_escape();
        }
        let first = match self.hex(self.at + 2, 4) {
            Hex::Value(code) => code,
            Hex::CutOff => return Escape::CutOff,
            Hex::None => return self.raw(),
        };
        if let Some(char) = char::from_u32(first) {
            self.advance(6);
            return Escape::Char(char);
        }
        // One half of a pair. Without the other it means nothing.
        let rest = self.from(self.at + 6);
        if (0xD800..0xDC00).contains(&first) {
            if rest.len() < 2 && "\\u".starts_with(rest) {
                return Escape::CutOff;
            }
            if rest.starts_with("\\u") {
                match self.hex(self.at + 8, 4) {
                    Hex::CutOff => return Escape::CutOff,
                    Hex::Value(second @ 0xDC00..0xE000) => {
                        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        self.advance(12);
                        return Escape::Char(char::from_u32(code).unwrap_or(REPLACEMENT));
                    }
                    _ => {}
                }
            }
        }
        self.report(RepairKind::BadEscape);
        self.advance(6);
        Escape::Char(REPLACEMENT)
    }

    /// `\u{1F600}`, as JavaScript and Rust write it.
    fn braced_escape(&mut self) -> Escape {
        let digits = self.from(self.at + 3);
        let length = digits
            .bytes()
            .take(7)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        if digits.len() == length {
            return Escape::CutOff;
        }
        let code = u32::from_str_radix(&digits[..length], 16);
        let char = code.ok().and_then(char::from_u32);
        match char {
            Some(char) if digits.as_bytes()[length] == b'}' => {
                self.report(RepairKind::BadEscape);
                self.advance(length + 4);
                Escape::Char(char)
            }
            _ => self.raw(),
        }
    }

    fn hex(&mut self, at: usize, digits: usize) -> Hex {
        let rest = self.from(at);
        let there = rest
            .bytes()
            .take(digits)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        self.steps += there as u64;
        if there == digits {
            return u32::from_str_radix(&rest[..digits], 16).map_or(Hex::None, Hex::Value);
        }
        match there == rest.len() {
            true => Hex::CutOff,
            false => Hex::None,
        }
    }
}

enum Hex {
    CutOff,
    None,
    Value(u32),
}

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
