/// The beginning of a stream, as long as it looks like a document: some answer so, whatever they were asked.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    bytes: Vec<u8>,
    is_stream: bool,
}

impl Beginning {
    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.is_stream {
            return;
        }
        let first = self
            .bytes
            .iter()
            .chain(bytes)
            .find(|byte| !byte.is_ascii_whitespace());
        let looks_so = first.is_none_or(|byte| *byte == b'{');
        if looks_so && self.bytes.len() + bytes.len() <= LONGEST {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.is_stream = true;
            self.bytes = Vec::new();
        }
    }

    /// The document, if that is what all of it is.
    pub(crate) fn document(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?.trim();
        let is_document = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        (text.starts_with('{') && is_document).then_some(text)
    }
}

/// As much as an event may be, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;
