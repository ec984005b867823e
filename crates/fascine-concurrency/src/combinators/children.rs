use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::combinators::panics::clear_on_panic;
use crate::combinators::ready_list::{Batch, MAX_CHILDREN};
use crate::raw::{PinnedSlice, Wakers};

/// Futures that come and go, of which only the woken ones are polled: a wake costs the same at thirty and at fifty
/// thousand.
///
/// They live in chunks that double in size, so they never move, and neither a future nor its waker has an allocation of
/// its own. The places of those that have ended are used again.
pub(crate) struct Children<F> {
    chunks: Vec<Chunk<F>>,
    /// The logarithm of the first chunk's length.
    first_log: u32,
    /// Places whose future has ended.
    free: Vec<u32>,
    /// Pushed and not polled yet, oldest first, from `polled` on.
    fresh: Vec<u32>,
    polled: usize,
    /// Taken off the list and not polled yet.
    batch: Batch,
    live: usize,
    /// How many have ended since this was pending.
    ended_in_a_row: u32,
}

struct Chunk<F> {
    // Dropped before the wakers: what they wake on their way out is then still there.
    slots: PinnedSlice<Slot<F>>,
    wakers: Wakers,
}

pin_project! {
    #[project = SlotProjection]
    enum Slot<F> {
        Vacant,
        Running { tag: usize, #[pin] future: F },
    }
}

impl<F: Future> Children<F> {
    pub(crate) fn new() -> Self {
        Self::for_at_most(FIRST_CHUNK)
    }

    /// Makes an empty set in which no more than so many will run at once, as far as is known.
    pub(crate) fn for_at_most(limit: usize) -> Self {
        // A few large futures need not make room for many.
        let fit = FIRST_BYTES / size_of::<Slot<F>>().max(1);
        let first = limit
            .min(fit)
            .clamp(1, LARGEST_FIRST_CHUNK)
            .next_power_of_two();
        Self {
            chunks: Vec::new(),
            first_log: first.ilog2(),
            free: Vec::new(),
            fresh: Vec::new(),
            polled: 0,
            batch: Batch::empty(),
            live: 0,
            ended_in_a_row: 0,
        }
    }

    /// Adds a future, to be polled at the next [`poll_next`](Self::poll_next); `tag` comes back with its output.
    ///
    /// # Panics
    ///
    /// If there are [`MAX_CHILDREN`] already.
    pub(crate) fn push(&mut self, tag: usize, future: F) {
        let key = self.place(tag, future);
        self.fresh.push(key);
    }

    /// Adds a future and polls it at once, unless it is the turn of others; gives its output if it has ended.
    ///
    /// The caller clears it when there is a panic.
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push) does.
    #[inline]
    pub(crate) fn begin_unguarded(&mut self, tag: usize, future: F) -> Option<(usize, F::Output)> {
        let key = self.place(tag, future);
        // As in `poll_woken`: the first poll of a row is for the woken ones.
        if !self.fresh.is_empty() || !(1..YIELD_AFTER).contains(&self.ended_in_a_row) {
            self.fresh.push(key);
            return None;
        }
        let ended = self.poll_first_time(key)?;
        self.ended_in_a_row += 1;
        Some(ended)
    }

    #[inline]
    fn place(&mut self, tag: usize, future: F) -> u32 {
        let key = match self.free.pop() {
            Some(key) => key,
            None => self.grow(),
        };
        let (chunk, offset) = position(self.first_log, key);
        let slot = Slot::Running { tag, future };
        self.chunks[chunk].slots.at(offset).set(slot);
        self.live += 1;
        key
    }

    /// Polls those that were woken until one ends; `None` when there are none left.
    ///
    /// A child that wakes itself again and again, or an endless row of children that are ready at once, cannot keep the
    /// others, or the caller's executor, from running.
    ///
    /// A panic of a child drops all the others before it goes on.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        clear_on_panic(
            self,
            |children| children.poll_next_unguarded(cx),
            Self::clear,
        )
    }

    /// What [`poll_next`](Self::poll_next) does, for callers that clear it themselves when there is a panic.
    #[inline]
    pub(crate) fn poll_next_unguarded(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, F::Output)>> {
        // In the middle of a row there is often another one in the batch, and nothing else to think of.
        if (1..YIELD_AFTER).contains(&self.ended_in_a_row)
            && self.fresh.is_empty()
            && let Some(ended) = self.poll_batch()
        {
            self.ended_in_a_row += 1;
            return Poll::Ready(Some(ended));
        }
        self.poll_next_of_all(cx)
    }

    fn poll_next_of_all(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        if self.live == 0 {
            return Poll::Ready(None);
        }
        if self.ended_in_a_row >= YIELD_AFTER {
            self.ended_in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.poll_woken(cx);
        match polled {
            Poll::Ready(_) => self.ended_in_a_row += 1,
            Poll::Pending => self.ended_in_a_row = 0,
        }
        polled.map(Some)
    }

    /// Polls those that were never polled, the oldest first, until one ends; unless it is time to yield.
    ///
    /// The caller clears it when there is a panic.
    pub(crate) fn poll_fresh_unguarded(&mut self) -> Option<(usize, F::Output)> {
        if self.ended_in_a_row >= YIELD_AFTER {
            return None;
        }
        let ended = self.poll_first_times()?;
        self.ended_in_a_row += 1;
        Some(ended)
    }

    fn poll_woken(&mut self, cx: &mut Context<'_>) -> Poll<(usize, F::Output)> {
        // New ones begin at once, but for the first poll of a row: so they cannot keep the woken ones waiting for ever.
        let woken_first = self.ended_in_a_row == 0;
        if !woken_first && let Some(ended) = self.poll_first_times() {
            return Poll::Ready(ended);
        }
        if let Some(ended) = self.poll_batch() {
            return Poll::Ready(ended);
        }
        let list = self.chunks[0].wakers.list();
        if let Some(list) = list {
            list.register(cx.waker());
            let chunk = |key| &self.chunks[position(self.first_log, key).0];
            self.batch = list.take(|key| chunk(key).wakers.link(key));
        }
        let registered = list.is_some();
        if let Some(ended) = self.poll_batch() {
            return Poll::Ready(ended);
        }
        if woken_first && let Some(ended) = self.poll_first_times() {
            return Poll::Ready(ended);
        }
        // Where there is no list nobody can wake any child.
        if !registered && let Some(list) = self.chunks[0].wakers.list() {
            list.register(cx.waker());
            if !list.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    fn poll_first_times(&mut self) -> Option<(usize, F::Output)> {
        while let Some(key) = self.next_fresh() {
            if let ended @ Some(_) = self.poll_first_time(key) {
                return ended;
            }
        }
        None
    }

    #[inline]
    fn poll_first_time(&mut self, key: u32) -> Option<(usize, F::Output)> {
        let (chunk, offset) = position(self.first_log, key);
        let (first, rest) = self.chunks.split_first_mut()?;
        let (Chunk { slots, wakers }, root) = match chunk.checked_sub(1) {
            None => (first, None),
            Some(later) => (&mut rest[later], Some(&first.wakers)),
        };
        let slot = slots.at(offset);
        let ended = wakers.with_first(root, key, |waker| poll_slot(slot, waker))?;
        self.vacate(key);
        Some(ended)
    }

    fn next_fresh(&mut self) -> Option<u32> {
        let key = *self.fresh.get(self.polled)?;
        self.polled += 1;
        if self.polled == self.fresh.len() {
            self.fresh.clear();
            self.polled = 0;
        } else if self.polled > FIRST_CHUNK && self.polled > self.fresh.len() / 2 {
            self.fresh.drain(..self.polled);
            self.polled = 0;
        }
        Some(key)
    }

    #[inline]
    fn poll_batch(&mut self) -> Option<(usize, F::Output)> {
        while let Some(key) = self.batch.peek() {
            let (chunk, offset) = position(self.first_log, key);
            let Chunk { slots, wakers } = &mut self.chunks[chunk];
            self.batch.advance(wakers.link(key));
            let slot = slots.at(offset);
            if let Some(ended) = wakers.with(key, |waker| poll_slot(slot, waker)) {
                self.vacate(key);
                return Some(ended);
            }
        }
        None
    }

    /// Makes the place of a future that has ended available.
    fn vacate(&mut self, key: u32) {
        self.free.push(key);
        self.live -= 1;
    }

    /// Makes a chunk and returns the first of its places.
    #[cold]
    fn grow(&mut self) -> u32 {
        let first = 1 << self.first_log;
        let (base, len) = match self.chunks.len() {
            0 => (0, first),
            chunks => {
                let all = first << (chunks - 1);
                (all, all)
            }
        };
        assert!(
            (base + len) as usize <= MAX_CHILDREN,
            "too many futures at once"
        );
        self.chunks.push(Chunk {
            slots: PinnedSlice::new((0..len).map(|_| Slot::Vacant)),
            wakers: Wakers::new(base, len),
        });
        self.free.extend((base + 1..base + len).rev());
        base
    }
}

impl<F> Children<F> {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The futures that have not ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        let slots = self.chunks.iter().flat_map(|chunk| chunk.slots.as_slice());
        slots.filter_map(|slot| match slot {
            Slot::Running { future, .. } => Some(future),
            Slot::Vacant => None,
        })
    }

    /// Drops every future.
    pub(crate) fn clear(&mut self) {
        self.live = 0;
        self.batch = Batch::empty();
        self.fresh.clear();
        self.polled = 0;
        self.free.clear();
        self.chunks.clear();
    }
}

/// Polls a child, and drops it where it is when it has ended.
#[inline]
fn poll_slot<F: Future>(mut slot: Pin<&mut Slot<F>>, waker: &Waker) -> Option<(usize, F::Output)> {
    // A waker may be used once more when its child has ended.
    let SlotProjection::Running { tag, future } = slot.as_mut().project() else {
        return None;
    };
    let tag = *tag;
    match future.poll(&mut Context::from_waker(waker)) {
        Poll::Ready(output) => {
            slot.set(Slot::Vacant);
            Some((tag, output))
        }
        Poll::Pending => None,
    }
}

/// The chunk of a place, and its offset there; where the first chunk has that logarithm.
#[inline]
fn position(first_log: u32, key: u32) -> (usize, usize) {
    match (key >> first_log).checked_ilog2() {
        None => (0, key as usize),
        Some(doubled) => {
            let base = 1 << (first_log + doubled);
            (doubled as usize + 1, (key - base) as usize)
        }
    }
}

const FIRST_CHUNK: usize = 16;
const LARGEST_FIRST_CHUNK: usize = 64;
const FIRST_BYTES: usize = 16 << 10;
const YIELD_AFTER: u32 = 256;

#[cfg(all(test, any(loom, shuttle)))]
mod model;
