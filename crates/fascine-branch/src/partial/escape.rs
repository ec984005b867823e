/// An escape of a string, which may come in pieces.
#[derive(Debug, Default)]
pub(super) struct Escapes {
    /// What there is of it after the backslash; none if there is no escape.
    begun: Option<String>,
    /// The first half of a pair whose second has not come.
    high: Option<u32>,
}

impl Escapes {
    pub(super) fn is_idle(&self) -> bool {
        self.begun.is_none() && self.high.is_none()
    }

    /// Whether an escape has begun and is not complete.
    pub(super) fn is_within(&self) -> bool {
        self.begun.is_some()
    }

    /// Begins one: a backslash was read.
    pub(super) fn begin(&mut self) {
        self.begun = Some(String::new());
    }

    /// What is known now that something else follows: half a pair is none.
    pub(super) fn flush(&mut self) -> &'static str {
        match self.high.take() {
            Some(_) => REPLACEMENT,
            None => "",
        }
    }

    /// Reads one more character, and adds to `text` what is known by it.
    pub(super) fn read(&mut self, char: char, text: &mut String) {
        let Some(begun) = &mut self.begun else {
            return;
        };
        begun.push(char);
        if let Some(digits) = begun.strip_prefix('u') {
            if digits.len() < 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return;
            }
            match u32::from_str_radix(digits, 16) {
                Ok(code) => self.unit(code, text),
                Err(_) => self.raw(text),
            }
            self.begun = None;
            return;
        }
        let plain = match char {
            '"' | '\\' | '/' | '\'' => char,
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => {
                self.raw(text);
                self.begun = None;
                return;
            }
        };
        text.push_str(self.flush());
        text.push(plain);
        self.begun = None;
    }

    /// Keeps what is no escape as it stands.
    fn raw(&mut self, text: &mut String) {
        text.push_str(self.flush());
        text.push('\\');
        text.push_str(self.begun.as_deref().unwrap_or_default());
    }

    /// A unit of UTF-16.
    fn unit(&mut self, code: u32, text: &mut String) {
        match (self.high.take(), code) {
            (Some(high), 0xDC00..0xE000) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (code - 0xDC00);
                text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
            (Some(_), _) => text.push_str(REPLACEMENT),
            (None, _) => {}
        }
        match code {
            0xD800..0xDC00 => self.high = Some(code),
            _ => text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
}

const REPLACEMENT: &str = "\u{FFFD}";
