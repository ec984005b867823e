use std::future::ready;
use std::io;
use std::time::{Duration, Instant};

use fascine_rt::{BoxFuture, Rt};
use moka::sync::Cache;

use crate::{CacheError, CacheStore, RequestKey, Response};

/// Answers kept in memory, up to a number of bytes.
///
/// It is `moka`'s cache, without a thread: what was asked for often and lately stays, and its upkeep is done in passing
/// by those who use it. The time is the runtime's. An answer takes the length of its JSON and a little more.
///
/// # Examples
///
/// ```
/// use fascine_model::{MokaStore, ResponseCache};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let store = MokaStore::new(&rt, 64 * 1024 * 1024);
/// let cache = ResponseCache::new(store.clone());
/// assert_eq!(store.bytes(), 0);
/// # drop(cache);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct MokaStore {
    rt: Rt,
    answers: Cache<RequestKey, Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    response: Response,
    /// `None` if that is further away than the clock can count.
    over: Option<Instant>,
    bytes: u32,
}

impl MokaStore {
    /// Keeps at most so many bytes of answers; with zero it keeps none.
    #[must_use]
    pub fn new(rt: &Rt, max_bytes: u64) -> Self {
        let answers = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, kept: &Kept| kept.bytes)
            .build();
        Self {
            rt: rt.clone(),
            answers,
        }
    }

    /// How many bytes of answers are kept, those whose time is over among them until they are looked up or make room.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.answers.run_pending_tasks();
        self.answers.weighted_size()
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.answers.run_pending_tasks();
        self.answers.entry_count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the answers whose time is over. It looks at all of them.
    pub fn remove_expired(&self) {
        for (key, kept) in &self.answers {
            if self.is_over(&kept) {
                self.answers.invalidate(&*key);
            }
        }
    }

    fn is_over(&self, kept: &Kept) -> bool {
        kept.over.is_some_and(|over| self.rt.now() >= over)
    }
}

impl CacheStore for MokaStore {
    fn get(&self, key: RequestKey) -> BoxFuture<Result<Option<Response>, CacheError>> {
        let kept = match self.answers.get(&key) {
            Some(kept) if self.is_over(&kept) => {
                self.answers.invalidate(&key);
                None
            }
            kept => kept.map(|kept| kept.response),
        };
        Box::pin(ready(Ok(kept)))
    }

    fn put(
        &self,
        key: RequestKey,
        response: Response,
        ttl: Duration,
    ) -> BoxFuture<Result<(), CacheError>> {
        let kept = Kept {
            bytes: bytes_of(&response),
            response,
            over: self.rt.deadline_after(ttl),
        };
        self.answers.insert(key, kept);
        Box::pin(ready(Ok(())))
    }

    fn remove(&self, key: RequestKey) -> BoxFuture<Result<(), CacheError>> {
        self.answers.invalidate(&key);
        Box::pin(ready(Ok(())))
    }

    fn clear(&self) -> BoxFuture<Result<(), CacheError>> {
        self.answers.invalidate_all();
        Box::pin(ready(Ok(())))
    }
}

/// What an answer takes: the length of its JSON, and what there is for each.
fn bytes_of(response: &Response) -> u32 {
    let mut length = Length(EACH);
    // Nothing fails: counting does not, and an answer is valid JSON.
    let _ = serde_json::to_writer(&mut length, response);
    u32::try_from(length.0).unwrap_or(u32::MAX)
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const EACH: usize = 256;
