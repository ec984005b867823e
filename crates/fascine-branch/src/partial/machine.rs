use crate::partial::escape::Escapes;
use crate::partial::start::{Begins, Start};
use crate::partial::tree::Tree;
use crate::repair::Token;

/// Reads JSON in pieces, each character once.
///
/// It takes JSON as it should be, with the few faults that need no guess: trailing commas, line breaks in strings, escapes that
/// are none, the literals of Python. At any other it stops: what is wrong with the text is a matter for the end of it.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) tree: Tree,
    pub(super) start: Start,
    state: State,
    escapes: Escapes,
    /// The key or word that is being read.
    word: String,
    /// Whether a bracket came after the document.
    pub(super) more: bool,
    max_levels: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// A colon comes next.
    AfterKey,
    /// A comma or the end comes next.
    AfterValue,
    /// There is no document yet.
    #[default]
    Before,
    /// The document is complete.
    Done,
    /// In a key.
    InKey,
    /// In a string.
    InString,
    /// In a literal or number.
    InWord,
    /// A key or the end comes next.
    Key,
    /// What came is not JSON.
    Lost,
    /// A value comes next, or the end of an array.
    Value,
}

impl Machine {
    pub(super) fn new(max_levels: usize) -> Self {
        Self {
            max_levels,
            ..Self::default()
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Gives up: whatever comes is read no more.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost;
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    pub(super) fn read(&mut self, piece: &str) {
        let mut rest = piece;
        while let Some(char) = rest.chars().next() {
            let taken = match self.state {
                State::Lost => return,
                State::InKey | State::InString if self.escapes.is_within() => {
                    self.escape(char);
                    char.len_utf8()
                }
                State::InKey | State::InString => self.string(rest),
                _ => match self.structure(char) {
                    true => char.len_utf8(),
                    false => 0,
                },
            };
            rest = &rest[taken..];
        }
    }

    /// Reads one character outside of strings. Whether it was used up.
    fn structure(&mut self, char: char) -> bool {
        match self.state {
            State::Before => return self.before(char),
            State::InWord => return self.word(char),
            State::Done => self.more |= matches!(char, '{' | '['),
            _ if char.is_whitespace() || char == '\u{FEFF}' => {}
            State::Value => self.value(char),
            State::Key => match char {
                '"' => {
                    self.word.clear();
                    self.state = State::InKey;
                }
                '}' => self.close(),
                ',' => {}
                _ => self.lose(),
            },
            State::AfterKey => match char {
                ':' => self.state = State::Value,
                _ => self.lose(),
            },
            State::AfterValue => match (char, self.tree.is_in_object()) {
                (',', true) => self.state = State::Key,
                (',', false) => self.state = State::Value,
                ('}', true) | (']', false) => self.close(),
                _ => self.lose(),
            },
            State::InKey | State::InString | State::Lost => {}
        }
        true
    }

    fn before(&mut self, char: char) -> bool {
        match self.start.read(char) {
            Begins::Nothing => true,
            Begins::Now(bracket) => {
                self.open(bracket);
                true
            }
            Begins::Before(bracket) => {
                self.open(bracket);
                false
            }
        }
    }

    fn value(&mut self, char: char) {
        match char {
            '"' => {
                self.tree.open_string();
                self.state = State::InString;
            }
            '{' | '[' => self.open(char),
            ']' if !self.tree.is_in_object() => self.close(),
            '-' | '0'..='9' | 'a'..='z' | 'A'..='Z' => {
                self.word.clear();
                self.word.push(char);
                self.state = State::InWord;
            }
            _ => self.lose(),
        }
    }

    fn open(&mut self, bracket: char) {
        if self.tree.levels() >= self.max_levels {
            return self.lose();
        }
        if bracket == '{' {
            self.tree.open_object();
            self.state = State::Key;
        } else {
            self.tree.open_array();
            self.state = State::Value;
        }
    }

    fn close(&mut self) {
        self.state = match self.tree.close() {
            true => State::Done,
            false => State::AfterValue,
        };
    }

    /// Reads a literal or number up to what ends it, which is not used up. Only then is it known.
    fn word(&mut self, char: char) -> bool {
        if char.is_ascii_alphanumeric() || matches!(char, '.' | '+' | '-' | '_') {
            self.word.push(char);
            return true;
        }
        match Token::read(&self.word, false) {
            Token::Known(value, _) => {
                self.tree.scalar(value);
                self.state = State::AfterValue;
            }
            _ => self.lose(),
        }
        false
    }

    /// Reads a string as far as it needs no thought. How many bytes that took.
    fn string(&mut self, rest: &str) -> usize {
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
        let plain = &rest[..end.unwrap_or(rest.len())];
        if !plain.is_empty() {
            if !self.escapes.is_idle() {
                let text = self.escapes.flush();
                self.add(text);
            }
            self.add(plain);
        }
        match end.map(|end| rest.as_bytes()[end]) {
            None => return plain.len(),
            Some(b'\\') => self.escapes.begin(),
            Some(_) => {
                let text = self.escapes.flush();
                self.add(text);
                self.end_string();
            }
        }
        plain.len() + 1
    }

    fn escape(&mut self, char: char) {
        let mut text = String::new();
        self.escapes.read(char, &mut text);
        self.add(&text);
    }

    fn add(&mut self, text: &str) {
        match self.state {
            State::InKey => self.word.push_str(text),
            _ => self.tree.push_str(text),
        }
    }

    fn end_string(&mut self) {
        if self.state == State::InKey {
            self.tree.key(std::mem::take(&mut self.word));
            self.state = State::AfterKey;
        } else {
            self.tree.close_string();
            self.state = State::AfterValue;
        }
    }
}
