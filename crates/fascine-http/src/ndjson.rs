//! JSON values, one to a line, decoded without I/O.
//!
//! After <https://github.com/ndjson/ndjson-spec>. It finds the lines; what is in them is for a JSON parser.

use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

/// Turns the bytes of a stream, in whatever pieces they come, into lines.
///
/// Lines end with LF or CR LF; those with nothing but spaces in them are skipped; a byte order mark at the start is no
/// part of the first. The last line may lack its end: [`finish`](Self::finish) gives it.
///
/// # Examples
///
/// ```
/// use fascine_http::ndjson::Decoder;
///
/// let mut decoder = Decoder::new();
/// decoder.push(b"{\"n\":").unwrap();
/// decoder.push(b"1}\n{\"n\":2}").unwrap();
/// assert_eq!(decoder.next_line().unwrap(), "{\"n\":1}");
/// assert!(decoder.next_line().is_none());
/// assert_eq!(decoder.finish().unwrap(), "{\"n\":2}");
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    at_start: bool,
    lines: VecDeque<Bytes>,
    failed: bool,
}

/// A line is larger than what is accepted. Nothing more can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of the stream is larger than {limit} bytes")]
#[non_exhaustive]
pub struct TooLarge {
    /// What is accepted, in bytes.
    pub limit: usize,
}

impl Decoder {
    /// Makes a decoder for lines of at most 8 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(8 * 1024 * 1024)
    }

    /// Makes a decoder for lines of at most `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            at_start: true,
            lines: VecDeque::new(),
            failed: false,
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when the current line has grown past the limit. The lines before it can still be taken.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        let pushed = if self.failed {
            Err(TooLarge { limit: self.limit })
        } else {
            self.push_lines(bytes)
        };
        self.failed = pushed.is_err();
        pushed
    }

    /// Takes the next whole line, without its end.
    pub fn next_line(&mut self) -> Option<Bytes> {
        self.lines.pop_front()
    }

    /// Takes the next line, which at the end of the stream may be one that lacks its end.
    pub fn finish(&mut self) -> Option<Bytes> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        let line = mem::take(&mut self.line);
        if !self.failed {
            self.end_line(&line);
        }
        self.next_line()
    }

    fn push_lines(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (piece, rest) = match end {
                Some(end) => (&bytes[..end], &bytes[end + 1..]),
                None => (bytes, &[][..]),
            };
            if self.line.len() + piece.len() > self.limit {
                return Err(TooLarge { limit: self.limit });
            }
            if end.is_some() && self.line.is_empty() {
                self.end_line(piece);
            } else {
                self.line.extend_from_slice(piece);
                if end.is_some() {
                    let line = mem::take(&mut self.line);
                    self.end_line(&line);
                }
            }
            bytes = rest;
        }
        Ok(())
    }

    fn end_line(&mut self, mut line: &[u8]) {
        if mem::take(&mut self.at_start) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.iter().all(u8::is_ascii_whitespace) {
            self.lines.push_back(Bytes::copy_from_slice(line));
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
