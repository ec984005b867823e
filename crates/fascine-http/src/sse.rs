//! Server-sent events, decoded without I/O.
//!
//! After the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream".

use std::collections::VecDeque;
use std::mem;

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
    line: Vec<u8>,
    after_cr: bool,
    at_start: bool,
    event: String,
    data: Vec<u8>,
    has_data: bool,
    last_id: String,
    events: VecDeque<Event>,
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

    /// Makes a decoder for events of at most `limit` bytes.
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
            last_id: String::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when the current event has grown past the limit.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
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
            if piece.len() > self.limit.saturating_sub(self.line.len() + self.data.len()) {
                return Err(TooLarge { limit: self.limit });
            }
            self.line.extend_from_slice(piece);
            if let Some(end) = end {
                self.after_cr = bytes[end] == b'\r';
                self.end_line();
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Takes the next whole event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let mut line = mem::take(&mut self.line);
        if mem::take(&mut self.at_start) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.is_empty() {
            self.end_event();
        } else {
            let (field, value) = match line.iter().position(|byte| *byte == b':') {
                Some(colon) => (&line[..colon], &line[colon + 1..]),
                None => (&line[..], &[][..]),
            };
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match field {
                b"data" => {
                    if mem::replace(&mut self.has_data, true) {
                        self.data.push(b'\n');
                    }
                    self.data.extend_from_slice(value);
                }
                b"event" => self.event = String::from_utf8_lossy(value).into_owned(),
                b"id" if !value.contains(&0) => {
                    self.last_id = String::from_utf8_lossy(value).into_owned();
                }
                _ => {}
            }
        }
        line.clear();
        self.line = line;
    }

    fn end_event(&mut self) {
        let event = mem::take(&mut self.event);
        let data = mem::take(&mut self.data);
        if mem::take(&mut self.has_data) {
            let data = String::from_utf8_lossy(&data).into_owned();
            self.events.push_back(Event {
                event,
                data,
                id: self.last_id.clone(),
            });
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
