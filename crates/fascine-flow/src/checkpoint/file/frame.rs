//! How records lie in a file: frames, each of its length, the checksums of its length and of its text, all three in
//! hexadecimal, its text, and the end of a line. What is appended at once is one frame: so it is there, or it is not.

/// Adds a frame.
pub(super) fn write(file: &mut Vec<u8>, text: &[u8]) {
    let length = hex(text.len() as u64);
    file.extend_from_slice(&length);
    file.extend_from_slice(&hex(u64::from(crc32fast::hash(&length)))[8..]);
    file.extend_from_slice(&hex(u64::from(crc32fast::hash(text)))[8..]);
    file.extend_from_slice(text);
    file.push(b'\n');
}

/// What comes next in a file.
pub(super) enum Frame<'a> {
    Damaged(&'static str),
    End,
    /// The writer was interrupted: nobody was told that it is written.
    Torn,
    Whole {
        text: &'a [u8],
        /// How many bytes the frame has.
        bytes: usize,
    },
}

impl<'a> Frame<'a> {
    pub(super) fn read(file: &'a [u8]) -> Self {
        if file.is_empty() {
            return Self::End;
        }
        let Some((head, rest)) = file.split_at_checked(HEAD) else {
            return Self::Torn;
        };
        // Some file systems fill what a loss of power has kept them from writing.
        if file.iter().all(|byte| *byte == 0) {
            return Self::Torn;
        }
        let (length, sums) = head.split_at(16);
        if sums[..8] != hex(u64::from(crc32fast::hash(length)))[8..] {
            return Self::Damaged("the checksum of its length is wrong");
        }
        let Some(length) = number(length) else {
            return Self::Damaged("its length is no number");
        };
        // One more for the end of the line.
        let body = length.checked_add(1);
        let body = body.and_then(|body| rest.split_at_checked(body));
        let Some((body, _)) = body else {
            return Self::Torn;
        };
        let (text, end) = body.split_at(length);
        if sums[8..] != hex(u64::from(crc32fast::hash(text)))[8..] {
            return Self::Damaged("its checksum is wrong");
        }
        if end != b"\n" {
            return Self::Damaged("its end is missing");
        }
        let bytes = HEAD + length + 1;
        Self::Whole { text, bytes }
    }
}

fn hex(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (place, digit) in digits.iter_mut().enumerate() {
        let half = (number >> (60 - 4 * place)) as usize & 15;
        *digit = b"0123456789abcdef"[half];
    }
    digits
}

fn number(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The length in sixteen digits, and two checksums in eight each.
const HEAD: usize = 32;
