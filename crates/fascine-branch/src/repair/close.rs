use serde_json::Value;

use crate::RepairKind;
use crate::repair::ahead::Ahead;
use crate::repair::document::Document;
use crate::repair::frame::Kind;

impl Document<'_, '_> {
    /// Acts on a closing bracket: it closes the innermost frame of its kind, if there is one.
    pub(super) fn close(&mut self, closer: u8) {
        let open = match closer {
            b']' => self.arrays,
            b'}' => self.objects,
            _ => self.tuples,
        };
        if open == 0 || self.is_too_early(closer) {
            self.scanner.report(RepairKind::ExtraCloser);
            self.scanner.advance(1);
            return;
        }
        if self.is_mistyped(closer) {
            self.scanner.report(RepairKind::WrongCloser);
            self.pop();
            self.scanner.advance(1);
            return;
        }
        while self.top().closer() != closer {
            self.scanner.report(RepairKind::MissingCloser);
            self.pop();
        }
        self.pop();
        self.scanner.advance(1);
    }

    /// Whether the object that is the document would end here, and goes on: `{"a": 1}, "b": 2}`.
    fn is_too_early(&mut self, closer: u8) -> bool {
        closer == b'}' && self.stack.len() == 1 && self.is_key_after_comma()
    }

    /// Whether an array is closed by a brace, and the object around it goes on: `{"a": [1}, "b": 2}`.
    fn is_mistyped(&mut self, closer: u8) -> bool {
        closer == b'}'
            && self.stack.len() == 2
            && self.top().kind == Kind::Array
            && self.is_key_after_comma()
    }

    fn is_key_after_comma(&mut self) -> bool {
        let comma = self.scanner.after_space(self.scanner.at + 1);
        if self.scanner.byte(comma) != Some(b',') {
            return false;
        }
        let next = self.scanner.after_space(comma + 1);
        match self.scanner.byte(next) {
            Some(b'"' | b'\'') => self.scanner.string_ahead(next) == Ahead::Key,
            _ => false,
        }
    }

    /// Closes the innermost frame.
    pub(super) fn pop(&mut self) {
        if self.top().key.is_some() {
            self.scanner.report(RepairKind::MissingValue);
            self.put(Value::Null);
        }
        self.end_frame();
    }

    /// Closes everything: the text has ended.
    pub(super) fn cut_off(&mut self) {
        self.scanner.report(RepairKind::CutOff);
        while self.done.is_none() {
            // A key that never got a value says nothing.
            self.top().key = None;
            self.top().comma = false;
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        *self.count(frame.kind) -= 1;
        let trailing = frame.comma;
        let (kind, items) = (frame.kind, frame.items.len());
        let value = frame.into_value(trailing);
        match kind {
            Kind::Set if items == 1 && value.is_object() => {
                self.scanner.report(RepairKind::DoubledBraces);
            }
            Kind::Set => self.scanner.report(RepairKind::Set),
            Kind::Call => self.scanner.report(RepairKind::Call),
            Kind::Tuple => self.scanner.report(RepairKind::Tuple),
            Kind::Array | Kind::Object if trailing => {
                self.scanner.report(RepairKind::TrailingComma);
            }
            Kind::Array | Kind::Object => {}
        }
        match self.stack.is_empty() {
            true => self.done = Some(value),
            false => self.put(value),
        }
    }
}
