use crate::RepairKind;
use crate::repair::ahead::Ahead;
use crate::repair::escape::Escape;
use crate::repair::quotes::Quotes;
use crate::repair::scanner::Scanner;
use crate::repair::string_end::Place;

/// A string that was read.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    /// Whether the text ended before the string did.
    pub(super) cut: bool,
    /// Whether there are quotes in it that should have been escaped.
    pub(super) inner_quotes: bool,
}

impl Scanner<'_> {
    /// Reads the string whose quotes open here.
    pub(super) fn string(&mut self, quotes: Quotes, opening: usize, place: &Place) -> Text {
        match quotes {
            Quotes::Double => {}
            Quotes::Escaped => self.report(RepairKind::Escaped),
            _ => self.report(RepairKind::Quotes),
        }
        self.advance(opening);
        let mut string = Text::default();
        loop {
            string.text.push_str(self.plain(quotes));
            let Some(byte) = self.peek() else {
                return self.cut_string(string);
            };
            if let Some(closing) = quotes.close(self.rest()) {
                if matches!(quotes, Quotes::Triple(_)) || self.ends_string(closing, place) {
                    self.advance(closing);
                    return string;
                }
                if self.begins_next_key(place) {
                    return self.missing_quote(string);
                }
                self.inner_quote(quotes, closing, &mut string);
            } else if byte == b'\\' {
                match self.escape() {
                    Escape::Char(char) => string.text.push(char),
                    Escape::CutOff => return self.cut_string(string),
                    Escape::Nothing => {}
                    Escape::Raw => string.text.push('\\'),
                }
            } else if byte == b'\n' && self.ends_line(place) {
                return self.missing_quote(string);
            } else if byte < 0x20 {
                if !matches!(quotes, Quotes::Triple(_)) {
                    self.report(RepairKind::ControlCharacter);
                }
                string.text.push(char::from(byte));
                self.advance(1);
            } else {
                // It only began like a quote that closes.
                let from = self.at;
                self.advance_char();
                string.text.push_str(&self.text()[from..self.at]);
            }
        }
    }

    fn cut_string(&mut self, string: Text) -> Text {
        self.at = self.text().len();
        self.report(RepairKind::CutOff);
        Text {
            cut: true,
            ..string
        }
    }

    fn inner_quote(&mut self, quotes: Quotes, closing: usize, string: &mut Text) {
        self.report(RepairKind::InnerQuote);
        string.inner_quotes = true;
        string.text.push_str(match quotes {
            Quotes::Escaped => "\"",
            _ => &self.text()[self.at..self.at + closing],
        });
        self.advance(closing);
    }

    /// Passes what is neither a quote, an escape nor a control character.
    fn plain(&mut self, quotes: Quotes) -> &str {
        let [one, other] = quotes.leads();
        let from = self.at;
        let rest = self.text().as_bytes()[from..].iter();
        let length = rest
            .take_while(|byte| {
                **byte >= 0x20 && **byte != b'\\' && **byte != one && **byte != other
            })
            .count();
        self.advance(length);
        &self.text()[from..self.at]
    }

    /// Whether the quote here opens the next key, so that the one that ends this string is missing: `"a, "b": 1`.
    fn begins_next_key(&mut self, place: &Place) -> bool {
        place.is_object_value()
            && self.comma_before().is_some()
            && self.string_ahead(self.at) == Ahead::Key
    }

    /// Whether the string ends with this line although no quote says so.
    fn ends_line(&mut self, place: &Place) -> bool {
        let next = self.after_space(self.at);
        match self.byte(next) {
            Some(b'"' | b'\'') if place.is_object_value() => self.string_ahead(next) == Ahead::Key,
            Some(b'}' | b']') => self.no_quote_after(next),
            _ => self.is_fence(next) && self.no_quote_after(next),
        }
    }

    /// Gives back the comma that seemed to be in the string.
    fn missing_quote(&mut self, mut string: Text) -> Text {
        self.report(RepairKind::MissingQuote);
        let text = &mut string.text;
        text.truncate(text.trim_end().len());
        if let Some(comma) = self.comma_before() {
            text.pop();
            text.truncate(text.trim_end().len());
            self.at = comma;
        }
        string
    }

    /// Where the comma is that only space divides from this place. It stands in the text: an escape is none.
    fn comma_before(&self) -> Option<usize> {
        let before = self.text()[..self.at].trim_end();
        before.strip_suffix(',').map(str::len)
    }
}
