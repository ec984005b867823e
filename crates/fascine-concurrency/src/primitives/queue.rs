use std::fmt;

use crate::primitives::wakers::Wakers;
use crate::sync::{Mutex, const_fn, lock};

mod error;
mod get;
mod put;
mod state;

pub use error::{GetError, PutError};
pub use get::{Get, Items};
pub use put::Put;

use state::State;

/// Passes items from tasks to tasks, first in, first out, with a bound on what lies between them.
///
/// Any number of tasks put and get; both wait in the order in which they came. With a capacity of zero an item goes from
/// hand to hand: a `put` ends when a `get` takes the item. If that `get` is dropped before it returned the item, the
/// next one gets it; until then it lies in the queue, beyond the capacity.
///
/// [`close`](Self::close) says that there will be no more items: what is in the queue can still be got, and then `get`
/// returns [`GetError::Closed`]. It is closed by a call and not by dropping an end, for it has no ends: share it by
/// reference, or in an [`Arc`](std::sync::Arc).
///
/// Memory grows with what is in it, never with the capacity: `usize::MAX` means no bound, which is what you want only
/// if something else bounds the producers.
///
/// To limit how many run at the same time, use [`bounded_map`](crate::bounded_map) or a [`Semaphore`](crate::Semaphore).
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{GetError, Queue};
/// # use std::sync::Arc;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let queue = Arc::new(Queue::with_capacity(1));
/// let producer = rt.spawn({
///     let queue = Arc::clone(&queue);
///     async move {
///         for n in 0..3 {
///             queue.put(n).await.unwrap();
///         }
///         queue.close();
///     }
/// });
/// for n in 0..3 {
///     assert_eq!(queue.get().await, Ok(n));
/// }
/// assert_eq!(queue.get().await, Err(GetError::Closed));
/// # producer.await.unwrap();
/// # });
/// ```
pub struct Queue<T> {
    state: Mutex<State<T>>,
}

/// How a [`Queue`] looked at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// Items in the queue.
    pub len: usize,
    /// How many fit.
    pub capacity: usize,
    /// The most items that have been in it.
    pub peak: usize,
    /// How many futures wait to put an item.
    pub putters_waiting: usize,
    /// How many futures wait for an item.
    pub getters_waiting: usize,
    /// Whether it is closed.
    pub closed: bool,
}

impl<T> Queue<T> {
    const_fn! {
        /// Makes a queue that holds so many items; with zero, items go from hand to hand.
        #[must_use]
        pub const fn with_capacity(capacity: usize) -> Self {
            Self {
                state: Mutex::new(State::new(capacity)),
            }
        }
    }

    /// Puts an item into the queue, and waits for room.
    ///
    /// # Errors
    ///
    /// [`PutError::Closed`] with the item after [`close`](Self::close), also if that comes while it waits.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the item, unless a `get` or the queue has taken it: then it is delivered, once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Queue;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// static LINES: Queue<String> = Queue::with_capacity(10);
    ///
    /// LINES.put("first".to_owned()).await.unwrap();
    /// assert_eq!(LINES.len(), 1);
    /// # });
    /// ```
    pub fn put(&self, item: T) -> Put<'_, T> {
        Put::new(self, item)
    }

    /// Takes the first item out of the queue, and waits for one.
    ///
    /// # Errors
    ///
    /// [`GetError::Closed`] once the queue is closed and empty.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item: one that it was handed but has not returned goes to the next `get`, before all
    /// others.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Queue;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let queue = Queue::with_capacity(10);
    /// queue.put(1).await.unwrap();
    /// assert_eq!(queue.get().await, Ok(1));
    /// # });
    /// ```
    pub fn get(&self) -> Get<'_, T> {
        Get::new(self)
    }

    /// Puts an item into the queue if there is room for it, and nobody waits to put one.
    ///
    /// Without capacity there is room if a `get` waits.
    ///
    /// # Errors
    ///
    /// [`PutError::Full`] if there is none, and [`PutError::Closed`] after [`close`](Self::close); both hold the item.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{PutError, Queue};
    /// let queue = Queue::with_capacity(1);
    /// assert_eq!(queue.try_put(1), Ok(()));
    /// assert_eq!(queue.try_put(2), Err(PutError::Full(2)));
    /// ```
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        let mut wakers = Wakers::default();
        let put = lock(&self.state).put(item, &mut wakers);
        wakers.wake();
        put
    }

    /// Takes the first item out of the queue if there is one; without capacity, from a `put` that waits.
    ///
    /// # Errors
    ///
    /// [`GetError::Empty`] if there is none, and [`GetError::Closed`] if there will be none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{GetError, Queue};
    /// let queue = Queue::<u32>::with_capacity(1);
    /// assert_eq!(queue.try_get(), Err(GetError::Empty));
    /// ```
    pub fn try_get(&self) -> Result<T, GetError> {
        let mut wakers = Wakers::default();
        let got = lock(&self.state).get(&mut wakers);
        wakers.wake();
        got
    }

    /// Returns the items as a stream that ends when the queue is closed and empty.
    ///
    /// Several streams of one queue share its items.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream loses no item, as with [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Queue;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// use futures_lite::StreamExt;
    ///
    /// let queue = Queue::with_capacity(2);
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// queue.close();
    /// assert_eq!(queue.items().collect::<Vec<_>>().await, [1, 2]);
    /// # });
    /// ```
    pub fn items(&self) -> Items<'_, T> {
        Items::new(self)
    }

    /// Takes no more items; what is in the queue can still be got.
    ///
    /// Those that wait to put get their items back, those that wait to get are told. Returns whether it was open.
    pub fn close(&self) -> bool {
        let mut wakers = Wakers::default();
        let was_open = lock(&self.state).close(&mut wakers);
        wakers.wake();
        was_open
    }

    /// Takes no more items, and returns those that are in the queue.
    ///
    /// Those that wait to put get their items back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{GetError, Queue};
    /// let queue = Queue::with_capacity(1);
    /// queue.try_put("left over").unwrap();
    /// assert_eq!(queue.close_now(), ["left over"]);
    /// assert_eq!(queue.try_get(), Err(GetError::Closed));
    /// ```
    pub fn close_now(&self) -> Vec<T> {
        let mut wakers = Wakers::default();
        let mut state = lock(&self.state);
        state.close(&mut wakers);
        let items = state.drain(&mut wakers);
        drop(state);
        wakers.wake();
        items
    }

    /// Takes out all that could be got now, also from those that wait to put.
    pub fn drain(&self) -> Vec<T> {
        let mut wakers = Wakers::default();
        let items = lock(&self.state).drain(&mut wakers);
        wakers.wake();
        items
    }

    /// Returns how many items are in the queue; what `put`s that wait hold does not count.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.state).len()
    }

    /// Returns whether no item is in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether it is closed; items may still be in it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.state).is_closed()
    }

    /// Returns how it looks, for dashboards and tests.
    #[must_use]
    pub fn statistics(&self) -> QueueStatistics {
        lock(&self.state).statistics()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = self.statistics();
        f.debug_struct("Queue")
            .field("len", &statistics.len)
            .field("capacity", &statistics.capacity)
            .field("putters_waiting", &statistics.putters_waiting)
            .field("getters_waiting", &statistics.getters_waiting)
            .field("closed", &statistics.closed)
            .finish()
    }
}
