use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_message::Part;

use crate::single_flight::waker_set::WakerSet;
use crate::{Accumulator, Chunk, Interrupted, ModelFailure};

/// What has come of an answer: kept for those who read slower, or come later, until nobody reads it any more.
#[derive(Debug)]
pub(crate) struct ChunkLog {
    wakers: Arc<WakerSet>,
    max_bytes: usize,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    /// Known once the answer has begun.
    attempts: Option<u32>,
    chunks: Vec<Chunk>,
    bytes: usize,
}

impl ChunkLog {
    pub(crate) fn new(wakers: Arc<WakerSet>, max_bytes: usize) -> Self {
        Self {
            wakers,
            max_bytes,
            log: Mutex::default(),
        }
    }

    pub(crate) fn open(&self, attempts: u32) {
        self.lock().attempts = Some(attempts);
        self.wakers.note_news();
    }

    /// Adds a chunk, unless there is no room for it.
    pub(crate) fn push(&self, chunk: Chunk) -> Result<(), ModelFailure> {
        let mut log = self.lock();
        log.bytes = log.bytes.saturating_add(size(&chunk));
        if log.bytes > self.max_bytes {
            drop(log);
            let limit = self.max_bytes;
            let cause = ModelFailure::TooLarge { limit };
            let so_far = self.so_far();
            return Err(match so_far.is_empty() {
                true => cause,
                false => Interrupted::new(&so_far, Some(cause)).into(),
            });
        }
        log.chunks.push(chunk);
        drop(log);
        self.wakers.note_news();
        Ok(())
    }

    pub(crate) fn attempts(&self) -> Option<u32> {
        self.lock().attempts
    }

    pub(crate) fn get(&self, index: usize) -> Option<Chunk> {
        self.lock().chunks.get(index).cloned()
    }

    pub(crate) fn so_far(&self) -> Accumulator {
        let mut so_far = Accumulator::new();
        self.lock()
            .chunks
            .iter()
            .for_each(|chunk| so_far.push(chunk));
        so_far
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About how much memory a chunk takes, in bytes.
fn size(chunk: &Chunk) -> usize {
    let content = match chunk {
        Chunk::Extra(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + value.to_string().len())
            .sum(),
        Chunk::Finish(_) | Chunk::Usage(_) => 0,
        Chunk::Part(part) => part_size(part),
        Chunk::Reasoning(more) => part_size(&Part::Reasoning(more.clone())),
        Chunk::Start { id, model } => id.len() + model.len(),
        Chunk::Text(text) => text.len(),
        Chunk::ToolCall {
            id,
            name,
            arguments,
            ..
        } => {
            let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            length(id) + length(name) + arguments.len()
        }
    };
    size_of::<Chunk>() + content
}

fn part_size(part: &Part) -> usize {
    serde_json::to_vec(part).map_or(0, |json| json.len())
}
