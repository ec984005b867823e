use crate::TransportError;

/// Takes a chunked body apart where it lies, after RFC 9112, section 7.1.
///
/// Extensions and trailers are skipped.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    /// How long the trailers are so far, in bytes.
    trailers: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    /// So many bytes of a chunk.
    Data(u64),
    DataEnd,
    Trailers,
    Over,
}

/// What one step of decoding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// How many bytes of the body are at the front of the buffer now.
    pub(crate) length: usize,
    /// How many bytes of the buffer are of no further use, with these.
    pub(crate) used: usize,
}

impl Chunked {
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Moves what there is of the body to the front of the buffer. What came before an error is given first.
    pub(crate) fn decode(&mut self, buffer: &mut [u8]) -> Result<Decoded, TransportError> {
        let mut decoded = Decoded::default();
        loop {
            match self.step(buffer, &mut decoded) {
                Ok(true) => {}
                Ok(false) => return Ok(decoded),
                Err(_) if decoded.length > 0 => return Ok(decoded),
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes one state further; whether there is enough for that. An error changes nothing, and comes again.
    fn step(&mut self, buffer: &mut [u8], decoded: &mut Decoded) -> Result<bool, TransportError> {
        let rest = &buffer[decoded.used..];
        match self.state {
            State::Size => {
                let Some((line, length)) = line(rest)? else {
                    return Ok(false);
                };
                self.state = match size(line)? {
                    0 => State::Trailers,
                    size => State::Data(size),
                };
                decoded.used += length;
            }
            State::Data(left) => {
                let count = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                buffer.copy_within(decoded.used..decoded.used + count, decoded.length);
                decoded.length += count;
                decoded.used += count;
                self.state = match left - count as u64 {
                    0 => State::DataEnd,
                    left => State::Data(left),
                };
                return Ok(count > 0);
            }
            State::DataEnd => match rest {
                [b'\r', b'\n', ..] => {
                    decoded.used += 2;
                    self.state = State::Size;
                }
                [] | [b'\r'] => return Ok(false),
                _ => return Err(malformed("a chunk is longer than its size")),
            },
            State::Trailers => {
                let Some((line, length)) = line(rest)? else {
                    return Ok(false);
                };
                if self.trailers + length > MAX_TRAILERS {
                    return Err(TransportError::TooLarge {
                        what: "trailers",
                        limit: MAX_TRAILERS,
                    });
                }
                if line.is_empty() {
                    self.state = State::Over;
                }
                self.trailers += length;
                decoded.used += length;
            }
            State::Over => return Ok(false),
        }
        Ok(true)
    }
}

/// The first line, and its length with its end; `None` if that has not come.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, TransportError> {
    let bytes = &bytes[..bytes.len().min(MAX_LINE)];
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => match bytes[..end].strip_suffix(b"\r") {
            Some(line) => Ok(Some((line, end + 1))),
            None => Err(malformed("a line between chunks ends without CR")),
        },
        None if bytes.len() < MAX_LINE => Ok(None),
        None => Err(malformed("a line between chunks does not end")),
    }
}

/// The size of a chunk, from the line before it.
fn size(line: &[u8]) -> Result<u64, TransportError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or(line);
    let digits = digits.trim_ascii_end();
    let size = digits.iter().try_fold(0_u64, |size, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(size.checked_mul(16)? | u64::from(digit))
    });
    size.filter(|_| !digits.is_empty())
        .ok_or_else(|| malformed("the size of a chunk is no number"))
}

fn malformed(reason: &str) -> TransportError {
    TransportError::MalformedResponse {
        reason: reason.to_owned(),
    }
}

/// Enough for any size, and for extensions that nobody reads.
const MAX_LINE: usize = 4 * 1024;
const MAX_TRAILERS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a body that comes in pieces of this size: what there is of it, and what comes after it.
    fn decode(bytes: &[u8], size: usize) -> (Vec<u8>, Result<Vec<u8>, TransportError>) {
        let mut chunked = Chunked::default();
        let (mut body, mut buffer) = (Vec::new(), Vec::new());
        let mut pieces = bytes.chunks(size);
        while !chunked.is_over() {
            let decoded = match chunked.decode(&mut buffer) {
                Ok(decoded) => decoded,
                Err(error) => return (body, Err(error)),
            };
            body.extend_from_slice(&buffer[..decoded.length]);
            buffer.drain(..decoded.used);
            if decoded == Decoded::default() {
                match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return (body, Err(malformed("too short"))),
                }
            }
        }
        buffer.extend(pieces.flatten());
        (body, Ok(buffer))
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_come() {
        let bytes =
            b"5\r\nhello\r\n1;a=\"b\"\r\n,\r\n006 \r\n world\r\n0\r\na: b\r\nc: d\r\n\r\nnext";
        for size in 1..=bytes.len() {
            let (body, rest) = decode(bytes, size);
            assert_eq!(body, b"hello, world", "{size}");
            assert_eq!(rest.unwrap(), b"next", "{size}");
        }
    }

    #[test]
    fn what_came_before_an_error_is_given_first() {
        for bytes in [
            "2\r\nhi\r\nxx\r\n",
            "2\r\nhi!\r\n",
            "2\r\nhi\r\n+1\r\n!",
            "2\r\nhi\r\n\r\n",
            "2\r\nhi\r\n10000000000000000\r\n",
            "2\r\nhi\r\n1\n!",
        ] {
            for size in [1, 3, bytes.len()] {
                let (body, rest) = decode(bytes.as_bytes(), size);
                assert_eq!(body, b"hi", "{bytes:?}");
                let error = rest.unwrap_err();
                assert!(matches!(error, TransportError::MalformedResponse { .. }));
            }
        }
    }

    #[test]
    fn lines_and_trailers_are_bounded() {
        let extension = format!("1;{}", "x".repeat(MAX_LINE));
        let error = decode(extension.as_bytes(), 100).1.unwrap_err();
        assert!(matches!(error, TransportError::MalformedResponse { .. }));
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(MAX_TRAILERS));
        let error = decode(trailers.as_bytes(), 1000).1.unwrap_err();
        assert!(matches!(
            error,
            TransportError::TooLarge {
                what: "trailers",
                ..
            }
        ));
    }

    #[test]
    fn the_largest_chunk_overflows_nothing() {
        let (body, rest) = decode(b"ffffffffffffffff\r\nsome", 2);
        assert!(body == b"some" && rest.is_err());
    }
}
