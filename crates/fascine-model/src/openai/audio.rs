use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fascine_message::{Media, Part};

use super::answer::Audio;

/// What the model speaks, put together from its pieces.
#[derive(Debug, Default)]
pub(super) struct Recording {
    id: Option<String>,
    bytes: Vec<u8>,
}

impl Recording {
    /// Takes more of it; gives what of it can be read.
    pub(super) fn read(&mut self, audio: Audio<'_>) -> Option<String> {
        // Each piece is encoded for itself; what is none of base64 is no sound.
        let data = audio
            .data
            .as_str()
            .and_then(|data| STANDARD.decode(data).ok());
        self.bytes.extend(data.unwrap_or_default());
        self.id = audio.id.into_string().or(self.id.take());
        audio.transcript.into_string()
    }

    /// The whole of it. Its name is the server's, by which it can be referred to later.
    pub(super) fn take(&mut self) -> Option<Part> {
        let id = self.id.take();
        if id.is_none() && self.bytes.is_empty() {
            return None;
        }
        let mut media = Media::from_bytes("", &std::mem::take(&mut self.bytes));
        media.name = id;
        Some(Part::Audio(media))
    }
}
