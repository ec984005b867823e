use crate::repair::scanner::Scanner;

/// What opens a string, and with it what closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// JSON's own.
    Double,
    /// `\"`, in a document that was escaped as a whole.
    Escaped,
    /// An apostrophe or a backtick.
    Single(u8),
    /// `"""` or `'''`.
    Triple(u8),
    /// “ and the like.
    TypographicDouble,
    /// ‘ and the like.
    TypographicSingle,
}

impl Quotes {
    /// The quotes that open at `at`, and how many bytes they take.
    pub(super) fn open(scanner: &mut Scanner<'_>, at: usize) -> Option<(Self, usize)> {
        let rest = scanner.from(at);
        let bytes = rest.as_bytes();
        match *bytes.first()? {
            byte @ (b'"' | b'\'')
                if bytes.starts_with(&[byte; 3]) && has_triple(scanner, at, byte) =>
            {
                Some((Self::Triple(byte), 3))
            }
            b'"' => Some((Self::Double, 1)),
            byte @ (b'\'' | b'`') => Some((Self::Single(byte), 1)),
            b'\\' if bytes.get(1) == Some(&b'"') => Some((Self::Escaped, 2)),
            0xE2 => match rest.chars().next()? {
                '“' | '”' | '„' | '‟' => Some((Self::TypographicDouble, 3)),
                '‘' | '’' | '‚' | '‛' => Some((Self::TypographicSingle, 3)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The byte with which whatever closes the string begins; a typographic string may be closed by a plain quote too.
    pub(super) fn leads(self) -> [u8; 2] {
        match self {
            Self::Double => [b'"'; 2],
            Self::Escaped => [b'\\'; 2],
            Self::Single(byte) | Self::Triple(byte) => [byte; 2],
            Self::TypographicDouble => [0xE2, b'"'],
            Self::TypographicSingle => [0xE2, b'\''],
        }
    }

    /// How many bytes of what closes the string stand at the beginning of `rest`, if any.
    pub(super) fn close(self, rest: &str) -> Option<usize> {
        let bytes = rest.as_bytes();
        let first = *bytes.first()?;
        match self {
            Self::Double => (first == b'"').then_some(1),
            Self::Escaped => bytes.starts_with(b"\\\"").then_some(2),
            Self::Single(byte) => (first == byte).then_some(1),
            Self::Triple(byte) => bytes.starts_with(&[byte; 3]).then_some(3),
            Self::TypographicDouble => match rest.chars().next()? {
                '“' | '”' | '„' | '‟' => Some(3),
                '"' => Some(1),
                _ => None,
            },
            Self::TypographicSingle => match rest.chars().next()? {
                '‘' | '’' | '‚' | '‛' => Some(3),
                '\'' => Some(1),
                _ => None,
            },
        }
    }
}

/// Whether three quotes that open are closed by three. A search that failed is not made again.
fn has_triple(scanner: &mut Scanner<'_>, at: usize, byte: u8) -> bool {
    if at >= scanner.no_triple_after {
        return false;
    }
    let rest = scanner.from(at + 3);
    let triple = if byte == b'"' { "\"\"\"" } else { "'''" };
    let found = rest.find(triple);
    match found {
        Some(end) => {
            scanner.steps += end as u64;
            true
        }
        None => {
            scanner.steps += rest.len() as u64;
            scanner.no_triple_after = at;
            false
        }
    }
}
