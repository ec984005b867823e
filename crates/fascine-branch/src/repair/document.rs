use serde_json::Value;

use crate::repair::frame::{Frame, Kind};
use crate::repair::limits::MAX_DEPTH;
use crate::repair::scanner::Scanner;
use crate::repair::string_end::{Place, Role};
use crate::{RepairError, RepairKind, RepairLimits};

/// Reads one array or object, whatever state it is in. There is a stack of what is open, and no recursion.
#[derive(Debug)]
pub(super) struct Document<'s, 't> {
    pub(super) scanner: &'s mut Scanner<'t>,
    pub(super) stack: Vec<Frame>,
    pub(super) arrays: usize,
    pub(super) objects: usize,
    pub(super) tuples: usize,
    depth: usize,
    max_steps: u64,
    pub(super) done: Option<Value>,
}

impl<'s, 't> Document<'s, 't> {
    pub(super) fn new(scanner: &'s mut Scanner<'t>, limits: &RepairLimits) -> Self {
        let max_steps = limits.steps(scanner.text().len());
        Self {
            scanner,
            stack: Vec::new(),
            arrays: 0,
            objects: 0,
            tuples: 0,
            // One level is kept for the array that several documents become.
            depth: limits.depth().min(MAX_DEPTH - 1),
            max_steps,
            done: None,
        }
    }

    /// Reads the document that begins here, to its end or that of the text.
    pub(super) fn read(mut self) -> Result<Value, RepairError> {
        let kind = match self.scanner.peek() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            _ => {
                self.scanner.report(RepairKind::MissingOpener);
                self.push(Kind::Object)?;
                return self.read_open();
            }
        };
        self.push(kind)?;
        self.scanner.advance(1);
        self.read_open()
    }

    fn read_open(mut self) -> Result<Value, RepairError> {
        loop {
            self.step()?;
            if let Some(value) = self.done.take() {
                return Ok(value);
            }
            if self.scanner.steps > self.max_steps {
                return Err(RepairError::TooMuchWork {
                    at: self.scanner.at,
                    limit: self.max_steps,
                });
            }
        }
    }

    fn step(&mut self) -> Result<(), RepairError> {
        self.scanner.skip_gap();
        let byte = match self.scanner.peek() {
            Some(byte) if !self.scanner.is_fence(self.scanner.at) => byte,
            _ => {
                self.cut_off();
                return Ok(());
            }
        };
        match byte {
            b',' => self.comma(),
            b';' => {
                self.scanner.report(RepairKind::Semicolon);
                self.comma();
            }
            b'}' | b']' | b')' => self.close(byte),
            b'.' if self.scanner.rest().starts_with("..") => self.ellipsis(),
            0xE2 if self.scanner.rest().starts_with('…') => self.ellipsis(),
            _ => {
                let wants_key = self.top().wants_key();
                if self.top().started && !self.top().comma && self.top().key.is_none() {
                    self.scanner.report(RepairKind::MissingComma);
                }
                match wants_key {
                    true => self.key()?,
                    false => self.value()?,
                }
            }
        }
        Ok(())
    }

    pub(super) fn top(&mut self) -> &mut Frame {
        if self.stack.is_empty() {
            self.stack.push(Frame::new(Kind::Array));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    pub(super) fn push(&mut self, kind: Kind) -> Result<(), RepairError> {
        if self.stack.len() >= self.depth {
            return Err(RepairError::TooDeep {
                at: self.scanner.at,
                limit: self.depth,
            });
        }
        *self.count(kind) += 1;
        self.stack.push(Frame::new(kind));
        Ok(())
    }

    pub(super) fn count(&mut self, kind: Kind) -> &mut usize {
        match kind.closer() {
            b']' => &mut self.arrays,
            b'}' => &mut self.objects,
            _ => &mut self.tuples,
        }
    }

    /// Adds a value to what is open.
    pub(super) fn put(&mut self, value: Value) {
        if self.top().put(value) {
            self.scanner.report(RepairKind::DuplicateKey);
        }
    }

    pub(super) fn place(&self, role: Role) -> Place {
        Place {
            role,
            arrays: self.arrays,
            objects: self.objects,
            tuples: self.tuples,
        }
    }

    fn comma(&mut self) {
        if self.top().key.is_some() {
            self.scanner.report(RepairKind::MissingValue);
            self.put(Value::Null);
        } else if self.top().comma || !self.top().started {
            self.scanner.report(RepairKind::ExtraComma);
        }
        self.top().comma = self.top().started;
        self.scanner.advance(1);
    }

    fn ellipsis(&mut self) {
        self.scanner.report(RepairKind::Ellipsis);
        while let Some(b'.') = self.scanner.peek() {
            self.scanner.advance(1);
        }
        if self.scanner.rest().starts_with('…') {
            self.scanner.advance('…'.len_utf8());
        }
        // It stands for items, so a comma after it is nothing odd, and neither is one that is missing.
        if self.top().key.is_none() {
            self.top().comma = false;
            self.top().started = false;
        }
    }
}
