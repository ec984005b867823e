use std::io::Write;
use std::mem;

use flate2::write::MultiGzDecoder;

use crate::decode::{Decode, Decoded};

/// gzip, after RFC 1952: any number of members, each with its checksum.
pub(crate) struct Gzip {
    decoder: MultiGzDecoder<Vec<u8>>,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        Self {
            decoder: MultiGzDecoder::new(Vec::new()),
        }
    }
}

impl Decode for Gzip {
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, String> {
        // A byte of deflate may mean a thousand: so much at a time keeps the piece below a mebibyte.
        let input = &input[..input.len().min(STEP)];
        let failed = |error: std::io::Error| error.to_string();
        let used = self.decoder.write(input).map_err(failed)?;
        if used == 0 {
            return Err("there is more after its end".to_owned());
        }
        // What can be known already is given out: a stream of events must not wait for its next one.
        self.decoder.flush().map_err(failed)?;
        Ok(Decoded {
            used,
            piece: mem::take(self.decoder.get_mut()),
            has_more: false,
        })
    }

    fn finish(&mut self) -> Result<(), String> {
        match self.decoder.try_finish() {
            Ok(()) => Ok(()),
            Err(error) => Err(format!("it ends too early ({error})")),
        }
    }
}

const STEP: usize = 1024;
