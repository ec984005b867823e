use serde_json::Value;

use crate::repair::ahead::Ahead;
use crate::repair::document::Document;
use crate::repair::quotes::Quotes;
use crate::repair::scanner::Scanner;
use crate::repair::string_end::Place;
use crate::repair::token::Token;
use crate::{RepairError, RepairKind, RepairLimits};

/// Finds the documents of a text: in fenced blocks, between prose, one after another.
#[derive(Debug)]
pub(super) struct Documents<'s, 't> {
    scanner: &'s mut Scanner<'t>,
    limits: RepairLimits,
    found: Vec<(Standing, Value)>,
    standing: Standing,
    /// Where a block begins that may hold a value that is neither array nor object.
    block: Option<usize>,
}

/// Where a document stands. The greatest that there is counts: what else looks like JSON is talk about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// In the text, or in a block of code.
    Open,
    /// In a fenced block of JSON.
    Fenced,
}

impl<'s, 't> Documents<'s, 't> {
    pub(super) fn new(scanner: &'s mut Scanner<'t>, limits: RepairLimits) -> Self {
        Self {
            scanner,
            limits,
            found: Vec::new(),
            standing: Standing::Open,
            block: None,
        }
    }

    pub(super) fn read(mut self) -> Result<Vec<Value>, RepairError> {
        self.scanner.skip_gap();
        self.skip_thoughts();
        if self.is_key(self.scanner.at) {
            self.document()?;
        }
        while self.next_start() {
            self.document()?;
        }
        if self.found.is_empty() {
            return Ok(self.scalar().into_iter().collect());
        }
        let best = self.found.iter().map(|(standing, _)| *standing).max();
        self.found.retain(|(standing, _)| Some(*standing) == best);
        Ok(self.found.into_iter().map(|(_, value)| value).collect())
    }

    fn document(&mut self) -> Result<(), RepairError> {
        let value = Document::new(self.scanner, &self.limits).read()?;
        self.found.push((self.standing, value));
        Ok(())
    }

    /// Whether a key stands at `at`, that of an object which lacks its first brace.
    fn is_key(&mut self, at: usize) -> bool {
        matches!(self.scanner.byte(at), Some(b'"' | b'\''))
            && self.scanner.string_ahead(at) == Ahead::Key
    }

    /// Goes to where the next document begins.
    fn next_start(&mut self) -> bool {
        let mut prose = false;
        loop {
            self.scanner.at = self.scanner.after_space(self.scanner.at);
            let at = self.scanner.at;
            let between = !prose && !self.found.is_empty();
            match self.scanner.rest().as_bytes() {
                [] => return false,
                [b'{' | b'[', ..] if !prose || self.is_start(at) => return true,
                [b'`', b'`', b'`', ..] => {
                    self.fence();
                    if self.scanner.fenced && self.is_key(self.scanner.at) {
                        return true;
                    }
                    prose = false;
                    continue;
                }
                [b'}' | b']' | b')', ..] if between => {
                    self.scanner.report(RepairKind::ExtraCloser);
                    self.scanner.advance(1);
                    continue;
                }
                [b',' | b';', ..] if between => {
                    self.scanner.report(RepairKind::ExtraComma);
                    self.scanner.advance(1);
                    continue;
                }
                _ => {}
            }
            if !prose {
                self.scanner.report(RepairKind::Prose);
                prose = true;
            }
            self.scanner.advance_char();
        }
    }

    /// Whether a bracket in prose begins a document, judged by what follows it.
    fn is_start(&mut self, at: usize) -> bool {
        let next = self.scanner.after_space(at + 1);
        let is_object = self.scanner.byte(at) == Some(b'{');
        match self.scanner.byte(next) {
            Some(b'"' | b'\\' | b'{' | b'[') => true,
            // In code, an empty block is likelier than an empty object.
            Some(b'}') => is_object && !(self.scanner.fenced && self.standing == Standing::Open),
            Some(b']') => !is_object && next == at + 1,
            Some(b'\'') => self.scanner.string_ahead(next) != Ahead::Text,
            Some(b'/') => matches!(self.scanner.byte(next + 1), Some(b'/' | b'*')),
            Some(0xE2) => Quotes::open(self.scanner, next).is_some(),
            Some(_) if is_object => self.scanner.is_bare_key(next),
            // `[1]` is a reference, `[1, 2]` an array.
            Some(b'-' | b'0'..=b'9') => {
                let end = self.scanner.after_word(next);
                matches!(self.scanner.byte(end), Some(b',' | b'.' | b'\n') | None)
            }
            Some(_) => self.scanner.is_literal(next),
            None => !is_object,
        }
    }

    /// Passes a fence, and the language after it.
    fn fence(&mut self) {
        self.scanner.advance(3);
        while self.scanner.peek() == Some(b'`') {
            self.scanner.advance(1);
        }
        self.scanner.fenced = !self.scanner.fenced;
        self.standing = Standing::Open;
        if !self.scanner.fenced {
            return;
        }
        self.scanner.report(RepairKind::Fence);
        let end = self.scanner.after_word(self.scanner.at);
        let language = &self.scanner.text()[self.scanner.at..end];
        if Token::is_scalar(language) {
            return self.enter_block();
        }
        let says_json = language.is_empty() || language.to_ascii_lowercase().starts_with("json");
        self.scanner.advance(end - self.scanner.at);
        self.scanner.at = self.scanner.after_space(self.scanner.at);
        if says_json || matches!(self.scanner.peek(), Some(b'{' | b'[')) {
            self.enter_block();
        }
    }

    fn enter_block(&mut self) {
        self.standing = Standing::Fenced;
        self.block.get_or_insert(self.scanner.at);
    }

    /// Passes what a model thought aloud before its answer.
    fn skip_thoughts(&mut self) {
        let rest = self.scanner.rest();
        if let Some(end) = rest.find("</think>")
            && rest.starts_with("<think>")
        {
            self.scanner.report(RepairKind::Prose);
            self.scanner.advance(end + "</think>".len());
            self.scanner.skip_gap();
        }
    }

    /// The value of a text, or of a fenced block, that is neither an array nor an object.
    fn scalar(&mut self) -> Option<Value> {
        self.scanner.fenced = self.block.is_some();
        self.scanner.at = self.block.unwrap_or(0);
        self.scanner.report.forget(RepairKind::Prose);
        self.scanner.skip_gap();
        let from = self.scanner.at;
        if let Some((quotes, opening)) = Quotes::open(self.scanner, from) {
            let place = Place::root();
            let text = self.scanner.string(quotes, opening, &place);
            return (!text.inner_quotes).then_some(Value::String(text.text));
        }
        let rest = self.scanner.rest();
        let length = rest.find("```").unwrap_or(rest.len());
        match Token::read(rest[..length].trim(), false) {
            Token::Known(value, repair) => {
                if let Some(repair) = repair {
                    self.scanner.report(repair);
                }
                Some(value)
            }
            Token::Nothing | Token::Text => None,
        }
    }
}
