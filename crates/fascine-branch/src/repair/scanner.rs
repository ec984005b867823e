use crate::RepairKind;
use crate::repair::report::Report;

/// A place in a text, and what was looked at on the way.
///
/// Whatever looks ahead stops after [`AHEAD`] bytes, or looks at space or at the inside of one word alone: so all steps
/// together are a multiple of the length of the text.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    text: &'t str,
    pub(super) at: usize,
    pub(super) steps: u64,
    pub(super) report: Report,
    /// Whether the document stands in a fenced block: then a fence ends it.
    pub(super) fenced: bool,
    /// Where the last double quote of the text stands.
    last_quote: usize,
    /// From here on, there are no three quotes in a row.
    pub(super) no_triple_after: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, report: Report) -> Self {
        Self {
            text,
            at: 0,
            steps: 0,
            report,
            fenced: false,
            last_quote: text.rfind('"').unwrap_or(0),
            no_triple_after: usize::MAX,
        }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn rest(&self) -> &'t str {
        self.from(self.at)
    }

    pub(super) fn from(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(self.at)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.steps += bytes as u64;
    }

    /// Passes one character, whatever it is.
    pub(super) fn advance_char(&mut self) {
        let bytes = self.rest().chars().next().map_or(1, char::len_utf8);
        self.advance(bytes);
    }

    pub(super) fn report(&mut self, kind: RepairKind) {
        self.report.add(self.at, kind);
    }

    /// Where the space that begins at `at` ends.
    pub(super) fn after_space(&mut self, at: usize) -> usize {
        let mut end = at;
        while let Some(byte) = self.byte(end) {
            end += match byte {
                b' ' | b'\n' | b'\r' | b'\t' => 1,
                0x0B | 0x0C | 0x80.. => match self.from(end).chars().next() {
                    Some(char) if is_odd_space(char) => char.len_utf8(),
                    _ => break,
                },
                _ => break,
            };
        }
        self.steps += (end - at) as u64 + 1;
        end
    }

    /// Passes space and comments.
    pub(super) fn skip_gap(&mut self) {
        loop {
            let end = self.after_space(self.at);
            let space = &self.text.as_bytes()[self.at..end];
            if space.iter().any(|byte| !byte.is_ascii_whitespace()) {
                self.report(RepairKind::Whitespace);
            }
            self.at = end;
            let rest = self.rest();
            let comment = match rest.as_bytes() {
                [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |end| end + 2),
                [b'/', b'/', ..] | [b'#', ..] => rest.find('\n').unwrap_or(rest.len()),
                [b'\\', b'n' | b'r' | b't', ..] => {
                    self.report(RepairKind::Escaped);
                    self.advance(2);
                    continue;
                }
                _ => return,
            };
            self.report(RepairKind::Comment);
            self.advance(comment);
        }
    }

    /// Whether a fence that ends the document stands at `at`.
    pub(super) fn is_fence(&self, at: usize) -> bool {
        self.fenced && self.from(at).starts_with("```")
    }

    /// Whether there is no double quote after `at`: no string that is still to be closed.
    pub(super) fn no_quote_after(&self, at: usize) -> bool {
        self.last_quote < at
    }
}

/// Spaces that people and models write, and JSON does not have.
fn is_odd_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{FEFF}' | '\u{200B}'..='\u{200D}' | '\u{2060}')
}

/// How far to look for the end of a key.
pub(super) const AHEAD: usize = 96;
