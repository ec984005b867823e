//! Server-sent events, decoded without I/O.
//!
//! After the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream".

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

/// Turns the bytes of an event stream, in whatever pieces they come, into events.
///
/// Lines end with LF, CR or CR LF; comments and unknown fields are skipped; several `data` lines are joined by a line
/// feed; bytes that are not UTF-8 become the replacement character. An event that is not ended by an empty line is
/// not an event: what is left at the end of the stream is dropped.
///
/// # Examples
///
/// ```
/// use fascine_http::sse::Decoder;
///
/// let mut decoder = Decoder::new();
/// decoder.push(b"data: hel").unwrap();
/// decoder.push(b"lo\n\n").unwrap();
/// assert_eq!(decoder.next_event().unwrap().data, "hello");
/// assert!(decoder.next_event().is_none());
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    after_cr: bool,
    at_start: bool,
    event: String,
    data: Vec<u8>,
    has_data: bool,
    last_id: Arc<str>,
    events: VecDeque<Ended>,
    failed: bool,
}

/// An event in the queue. An id may stand for thousands of events to come: it is shared until they are taken.
#[derive(Debug)]
struct Ended {
    event: String,
    data: String,
    id: Arc<str>,
}

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The `event` field; empty if there was none, which means `message`.
    pub event: String,
    /// The `data` fields, joined by line feeds.
    pub data: String,
    /// The last `id` field so far.
    pub id: String,
}

/// An event is larger than what is accepted. Nothing more can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
#[non_exhaustive]
pub struct TooLarge {
    /// What is accepted, in bytes.
    pub limit: usize,
}

impl Decoder {
    /// Makes a decoder for events of at most 8 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(8 * 1024 * 1024)
    }

    /// Makes a decoder for events of at most `limit` bytes; an id may have 4 KiB of them.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            event: String::new(),
            data: Vec::new(),
            has_data: false,
            last_id: "".into(),
            events: VecDeque::new(),
            failed: false,
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when the current event has grown past the limit. The events before it can still be taken.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let pushed = if self.failed {
            Err(TooLarge { limit: self.limit })
        } else {
            self.push_lines(bytes)
        };
        self.failed = pushed.is_err();
        pushed
    }

    /// Takes the next whole event.
    pub fn next_event(&mut self) -> Option<Event> {
        let Ended { event, data, id } = self.events.pop_front()?;
        let id = id.as_ref().to_owned();
        Some(Event { event, data, id })
    }

    fn push_lines(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, rest) = match end {
                Some(end) => (&bytes[..end], &bytes[end + 1..]),
                None => (bytes, &[][..]),
            };
            check(self.line.len() + self.data.len() + piece.len(), self.limit)?;
            match end {
                Some(end) => {
                    self.after_cr = bytes[end] == b'\r';
                    if self.line.is_empty() {
                        self.end_line(piece)?;
                    } else {
                        let mut line = mem::take(&mut self.line);
                        line.extend_from_slice(piece);
                        self.end_line(&line)?;
                        line.clear();
                        self.line = line;
                    }
                }
                None => self.line.extend_from_slice(piece),
            }
            bytes = rest;
        }
        Ok(())
    }

    fn end_line(&mut self, mut line: &[u8]) -> Result<(), TooLarge> {
        if mem::take(&mut self.at_start) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            self.end_event();
            return Ok(());
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.event = text(value.to_vec()),
            b"id" if !value.contains(&0) => {
                check(value.len(), self.limit.min(MAX_ID))?;
                self.last_id = text(value.to_vec()).into();
            }
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self) {
        let event = mem::take(&mut self.event);
        let data = mem::take(&mut self.data);
        if mem::take(&mut self.has_data) {
            self.events.push_back(Ended {
                event,
                data: text(data),
                id: Arc::clone(&self.last_id),
            });
        }
    }
}

fn check(length: usize, limit: usize) -> Result<(), TooLarge> {
    if length > limit {
        return Err(TooLarge { limit });
    }
    Ok(())
}

/// Most of it is UTF-8, and then it is not copied.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Every event carries the last id: a long one would be copied for each of them.
const MAX_ID: usize = 4 * 1024;
