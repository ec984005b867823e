use brotli_decompressor::{
    BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc as Heap,
};

use crate::decode::{Decode, Decoded};

/// Brotli, after RFC 7932.
pub(crate) struct Brotli {
    state: BrotliState<Heap, Heap, Heap>,
    is_over: bool,
}

impl Brotli {
    pub(crate) fn new() -> Self {
        Self {
            state: BrotliState::new(Heap::default(), Heap::default(), Heap::default()),
            is_over: false,
        }
    }
}

impl Decode for Brotli {
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, String> {
        if self.is_over {
            return Err("there is more after its end".to_owned());
        }
        let mut piece = vec![0; PIECE];
        let (mut left, mut used) = (input.len(), 0);
        let (mut room, mut written, mut total) = (PIECE, 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut used,
            input,
            &mut room,
            &mut written,
            &mut piece,
            &mut total,
            &mut self.state,
        );
        piece.truncate(written);
        let has_more = match result {
            BrotliResult::ResultFailure => return Err("it is malformed".to_owned()),
            BrotliResult::ResultSuccess => {
                self.is_over = true;
                false
            }
            BrotliResult::NeedsMoreInput => false,
            BrotliResult::NeedsMoreOutput => true,
        };
        Ok(Decoded {
            used,
            piece,
            has_more,
        })
    }

    fn finish(&mut self) -> Result<(), String> {
        if self.is_over {
            Ok(())
        } else {
            Err("it ends too early".to_owned())
        }
    }
}

const PIECE: usize = 16 * 1024;
