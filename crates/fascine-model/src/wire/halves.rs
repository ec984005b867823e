use std::borrow::Cow;

/// Letters that come in halves.
///
/// In JSON a letter may be two escapes, one for each UTF-16 surrogate, and a server that counts in UTF-16 may end a piece
/// of text between them. A half at the end of a text waits for a text that begins with its other half; one that stands
/// anywhere else becomes the replacement character U+FFFD.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    /// The escape of a first half.
    held: Option<String>,
}

impl Halves {
    /// Reads the next document of a stream; one without escapes is only looked at.
    pub(crate) fn join<'a>(&mut self, json: &'a str) -> Cow<'a, str> {
        let bytes = json.as_bytes();
        if !bytes.contains(&b'\\') {
            return Cow::Borrowed(json);
        }
        let mut joined = String::new();
        // Up to where it was copied, and where the latest escape ends.
        let (mut copied, mut after) = (0, 0);
        while let Some(found) = bytes[after..].iter().position(|byte| *byte == b'\\') {
            let at = after + found;
            let end = at + ESCAPE;
            // A quote that is escaped itself bounds no text.
            let begins = found > 0 && bytes[at - 1] == b'"';
            let mended = match half(bytes, at) {
                None => {
                    after = at + 2;
                    if after > bytes.len() {
                        break;
                    }
                    continue;
                }
                Some(Half::First) if half(bytes, end) == Some(Half::Second) => {
                    after = end + ESCAPE;
                    continue;
                }
                Some(Half::First) if bytes.get(end) == Some(&b'"') => {
                    self.held = Some(json[at..end].to_owned());
                    String::new()
                }
                Some(Half::Second) if begins && self.held.is_some() => {
                    self.held.take().unwrap_or_default() + &json[at..end]
                }
                Some(_) => "\\ufffd".to_owned(),
            };
            joined.push_str(&json[copied..at]);
            joined.push_str(&mended);
            (copied, after) = (end, end);
        }
        match copied {
            0 => Cow::Borrowed(json),
            _ => Cow::Owned(joined + &json[copied..]),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    First,
    Second,
}

/// The half whose escape begins there, if one does.
fn half(bytes: &[u8], at: usize) -> Option<Half> {
    let escape = bytes.get(at..at + ESCAPE)?;
    let [b'\\', b'u', b'd' | b'D', kind, digits @ ..] = escape else {
        return None;
    };
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    match kind {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::First),
        b'c'..=b'f' | b'C'..=b'F' => Some(Half::Second),
        _ => None,
    }
}

/// How long the escape of a UTF-16 unit is.
const ESCAPE: usize = r"\ud83d".len();

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(documents: &[&str]) -> Vec<String> {
        let mut halves = Halves::default();
        let documents = documents.iter();
        documents
            .map(|json| halves.join(json).into_owned())
            .collect()
    }

    #[test]
    fn a_letter_that_was_cut_is_whole_again() {
        let cut = [
            r#"{"t":"a\ud83d"}"#,
            r#"{"t":"","n":1}"#,
            r#"{"t":"\uDD77b"}"#,
        ];
        let whole = [
            r#"{"t":"a"}"#,
            r#"{"t":"","n":1}"#,
            r#"{"t":"\ud83d\uDD77b"}"#,
        ];
        assert_eq!(joined(&cut), whole);
    }

    #[test]
    fn whole_letters_stay_as_they_are() {
        for json in [
            r#"{"t":"plain"}"#,
            r#"{"t":"\ud83d\udd77\n\"\\"}"#,
            r#"{"t":"\\ud83d"}"#,
            r#"{"t":"\ud7ff\ue000"}"#,
            r#"{"t":"\ud83"}"#,
            r#"{"t":"\"#,
            r#"{"t":"\é"}"#,
        ] {
            assert!(matches!(Halves::default().join(json), Cow::Borrowed(same) if same == json));
        }
    }

    #[test]
    fn a_half_without_its_other_half_is_replaced() {
        assert_eq!(joined(&[r#"["\ud83dx"]"#]), [r#"["\ufffdx"]"#]);
        assert_eq!(joined(&[r#"["\udd77"]"#]), [r#"["\ufffd"]"#]);
        assert_eq!(
            joined(&[r#"["\ud83d\ud83d\udd77"]"#]),
            [r#"["\ufffd\ud83d\udd77"]"#]
        );
        // It is not where a text begins.
        let escaped = [r#"["\ud83d"]"#, r#"["\"\udd77"]"#, r#"["x\udd77"]"#];
        assert_eq!(
            joined(&escaped),
            [r#"[""]"#, r#"["\"\ufffd"]"#, r#"["x\ufffd"]"#]
        );
    }
}
