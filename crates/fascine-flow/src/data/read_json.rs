use serde::de::IgnoredAny;
use serde_json::Number;

use super::node::{Data, Key, Node, Place};
use super::problem::Problem;
use super::source::{DEPTH, Source};

/// Reads JSON. It is checked by serde's reader first; that one does not tell where values are, so they are looked up in
/// what is then known to be JSON.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, (Place, Problem)> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(source.text) {
        let at = source.place(source.offset(error.line(), error.column()));
        let message = error.to_string();
        // The place is told apart.
        let message = message.split(" at line ").next().unwrap_or(&message);
        let message = format!("this is no JSON: {message}");
        return Err((at, Problem::Syntax { message }));
    }
    let mut walk = Walk { source, offset: 0 };
    walk.node(0)
}

/// A walk through a text that is known to be JSON.
struct Walk<'s, 'a> {
    source: &'s Source<'a>,
    offset: usize,
}

impl<'a> Walk<'_, 'a> {
    fn node(&mut self, depth: usize) -> Result<Node, (Place, Problem)> {
        self.skip_space();
        let at = self.source.place(self.offset);
        if depth > DEPTH {
            return Err((at, Problem::too_deep()));
        }
        let data = match self.peek() {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Data::Text(self.text()),
            _ => scalar(self.word()).map_err(|problem| (at, problem))?,
        };
        Ok(Node { at, data })
    }

    fn map(&mut self, depth: usize) -> Result<Data, (Place, Problem)> {
        self.offset += 1;
        let mut entries = Vec::new();
        while !self.is_over(b'}') {
            let at = self.source.place(self.offset);
            let name = self.text();
            self.skip_space();
            self.offset += 1;
            entries.push((Key { at, name }, self.node(depth + 1)?));
        }
        Ok(Data::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Result<Data, (Place, Problem)> {
        self.offset += 1;
        let mut items = Vec::new();
        while !self.is_over(b']') {
            items.push(self.node(depth + 1)?);
        }
        Ok(Data::List(items))
    }

    /// Whether there are no more items; if there are, it goes to the next.
    fn is_over(&mut self, end: u8) -> bool {
        self.skip_space();
        if self.peek() == b',' {
            self.offset += 1;
            self.skip_space();
        }
        let is_over = self.peek() == end || self.offset >= self.source.text.len();
        self.offset += usize::from(is_over);
        is_over
    }

    fn text(&mut self) -> String {
        let begin = self.offset;
        let bytes = self.source.text.as_bytes();
        self.offset += 1;
        while self.offset < bytes.len() && bytes[self.offset] != b'"' {
            self.offset += if bytes[self.offset] == b'\\' { 2 } else { 1 };
        }
        self.offset = (self.offset + 1).min(bytes.len());
        let quoted = self.source.text.get(begin..self.offset);
        serde_json::from_str(quoted.unwrap_or_default()).unwrap_or_default()
    }

    /// A number, or a word such as `true`.
    fn word(&mut self) -> &'a str {
        let rest = &self.source.text[self.offset..];
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}');
        let word = rest.split(is_end).next().unwrap_or_default();
        self.offset += word.len();
        word
    }

    fn skip_space(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.offset += 1;
        }
    }

    /// The next byte; a zero, which JSON does not have, at the end.
    fn peek(&self) -> u8 {
        let bytes = self.source.text.as_bytes();
        bytes.get(self.offset).copied().unwrap_or(0)
    }
}

fn scalar(word: &str) -> Result<Data, Problem> {
    Ok(match word {
        "null" => Data::Null,
        "true" => Data::Bool(true),
        "false" => Data::Bool(false),
        _ if word.contains(['.', 'e', 'E']) => Data::Number(float(word)?),
        _ => Data::Number(integer(word, 10)?),
    })
}

/// A whole number. One that would lose digits is refused.
pub(crate) fn integer(digits: &str, radix: u32) -> Result<Number, Problem> {
    let signed = i64::from_str_radix(digits, radix).map(Number::from);
    let number = signed.or_else(|_| u64::from_str_radix(digits, radix).map(Number::from));
    number.map_err(|_| Problem::unfit("an integer of at most 64 bits", format!("{digits:.40}")))
}

/// A number with a point or an exponent.
pub(crate) fn float(text: &str) -> Result<Number, Problem> {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.ok_or_else(|| Problem::unfit("a number that JSON can hold", format!("{text:.40}")))
}
