use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::combinators::panics::clear_on_panic;
use crate::combinators::ready_list::{Batch, MAX_CHILDREN};
use crate::raw::{PinnedSlice, Wakers};

/// Futures that begin together, of which only the woken ones are polled: a wake costs the same at thirty and at fifty
/// thousand.
///
/// A child is polled at most once in each poll of the whole, so one that wakes itself again and again cannot keep the
/// others, or the executor, from running.
pub(crate) struct FixedChildren<F, T> {
    // Dropped before the wakers: what they wake on their way out is then still there.
    states: PinnedSlice<State<F, T>>,
    wakers: Wakers,
    running: u32,
    phase: Phase,
}

pin_project! {
    /// A child, or what is kept of its output: an output has the room of its future.
    #[project = StateProjection]
    #[project_replace = StateReplaced]
    enum State<F, T> {
        Running { #[pin] future: F },
        Done { kept: T },
        Taken,
    }
}

impl<F, T> FixedChildren<F, T> {
    /// Shows how many still run, under the name of the future they belong to.
    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

/// Which child is polled first.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// The first polls begin with this child and go round; then the first woken is the first.
    From(u32),
    /// The lower index is always the first.
    Given,
}

#[derive(Clone, Copy)]
enum Phase {
    New(Order),
    Running(Order),
    Ended,
}

impl<F: Future, T> FixedChildren<F, T> {
    /// # Panics
    ///
    /// If there are more than [`MAX_CHILDREN`].
    pub(crate) fn new(futures: impl IntoIterator<Item = F>) -> Self {
        let running = |future| State::Running { future };
        let states = PinnedSlice::new(futures.into_iter().map(running));
        let len = states.len();
        assert!(len <= MAX_CHILDREN, "{len} futures are too many");
        Self {
            wakers: Wakers::new(0, len as u32),
            running: len as u32,
            states,
            phase: Phase::New(Order::From(0)),
        }
    }

    pub(crate) fn with_order(mut self, order: Order) -> Self {
        self.phase = match self.phase {
            Phase::New(_) => Phase::New(order),
            Phase::Running(_) => Phase::Running(order),
            Phase::Ended => Phase::Ended,
        };
        self
    }

    /// How many there were at the beginning, until the outputs are taken.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// Polls what was woken. Each output is given to `settle` with the child's index: it says what to keep, or ends it
    /// all. Ready when that happened, every child being dropped, or when the last child has ended.
    ///
    /// A panic of a child drops the others before it goes on.
    ///
    /// # Panics
    ///
    /// If it was ready before.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut settle: impl FnMut(usize, F::Output) -> ControlFlow<R, T>,
    ) -> Poll<Option<R>> {
        let polled = clear_on_panic(
            self,
            |children| match children.phase {
                Phase::New(order) => children.poll_all(order, cx, &mut settle),
                Phase::Running(order) => children.poll_woken(order, cx, &mut settle),
                Phase::Ended => panic!("{POLLED_AGAIN}"),
            },
            Self::clear,
        );
        match polled {
            Some(outcome) => {
                self.clear();
                Poll::Ready(Some(outcome))
            }
            None if self.running == 0 => {
                self.phase = Phase::Ended;
                Poll::Ready(None)
            }
            None => Poll::Pending,
        }
    }

    /// Takes what was kept, in the order of the children; once all have ended.
    #[inline]
    pub(crate) fn take(&mut self) -> Vec<T> {
        let take = |state| match State::project_replace(state, State::Taken) {
            StateReplaced::Done { kept } => kept,
            StateReplaced::Running { .. } | StateReplaced::Taken => {
                unreachable!("every child has ended, and nothing was taken")
            }
        };
        // Not `collect`, which becomes a call of its own: that is felt where there are ten.
        let mut all = Vec::with_capacity(self.states.len());
        all.extend(self.states.iter_mut().map(take));
        all
    }

    fn poll_all<R>(
        &mut self,
        order: Order,
        cx: &mut Context<'_>,
        settle: &mut impl FnMut(usize, F::Output) -> ControlFlow<R, T>,
    ) -> Option<R> {
        self.phase = Phase::Running(order);
        let first = match order {
            Order::From(first) => first as usize,
            Order::Given => 0,
        };
        let Self { states, wakers, .. } = self;
        let mut kept = 0;
        let ended = wakers.lend(None, |lent| {
            let mut poll = |(index, state): (usize, Pin<&mut State<F, T>>)| {
                let waker = lent.waker(index as u32);
                match poll_child(index, state, waker, settle) {
                    Polled::Ended(outcome) => return Some(outcome),
                    Polled::Kept => kept += 1,
                    Polled::Pending => {}
                }
                None
            };
            let mut children = states.iter_mut().enumerate();
            if first == 0 {
                return children.find_map(poll);
            }
            let ended = children.skip(first).find_map(&mut poll);
            ended.or_else(|| states.iter_mut().enumerate().take(first).find_map(poll))
        });
        if ended.is_some() {
            return ended;
        }
        self.running -= kept;
        if self.running > 0
            && let Some(list) = self.wakers.list()
        {
            list.register(cx.waker());
            if !list.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
        None
    }

    fn poll_woken<R>(
        &mut self,
        order: Order,
        cx: &mut Context<'_>,
        settle: &mut impl FnMut(usize, F::Output) -> ControlFlow<R, T>,
    ) -> Option<R> {
        // Where there is no list nobody can wake any child.
        let list = self.wakers.list()?;
        list.register(cx.waker());
        let mut batch = list.take(|index| self.wakers.link(index));
        if let Order::Given = order {
            let mut indices: Vec<u32> =
                std::iter::from_fn(|| next_of(&mut batch, &self.wakers)).collect();
            indices.sort_unstable();
            return indices
                .into_iter()
                .find_map(|index| self.poll_at(index, settle));
        }
        while let Some(index) = next_of(&mut batch, &self.wakers) {
            if let ended @ Some(_) = self.poll_at(index, settle) {
                return ended;
            }
        }
        None
    }

    fn poll_at<R>(
        &mut self,
        index: u32,
        settle: &mut impl FnMut(usize, F::Output) -> ControlFlow<R, T>,
    ) -> Option<R> {
        let state = self.states.at(index as usize);
        let poll = |waker: &Waker| poll_child(index as usize, state, waker, settle);
        match self.wakers.with(index, poll) {
            Polled::Ended(outcome) => return Some(outcome),
            Polled::Kept => self.running -= 1,
            Polled::Pending => {}
        }
        None
    }

    /// Ends it without a poll, as [`poll`](Self::poll) does; every child is dropped.
    ///
    /// # Panics
    ///
    /// If it has ended before.
    pub(crate) fn end(&mut self) {
        assert!(!matches!(self.phase, Phase::Ended), "{POLLED_AGAIN}");
        self.clear();
    }

    /// Drops every child, and what was kept.
    fn clear(&mut self) {
        self.phase = Phase::Ended;
        self.running = 0;
        self.states = PinnedSlice::new([]);
    }
}

fn next_of(batch: &mut Batch, wakers: &Wakers) -> Option<u32> {
    let index = batch.peek()?;
    batch.advance(wakers.link(index));
    Some(index)
}

enum Polled<R> {
    Ended(R),
    Kept,
    Pending,
}

#[inline]
fn poll_child<F: Future, T, R>(
    index: usize,
    mut state: Pin<&mut State<F, T>>,
    waker: &Waker,
    settle: &mut impl FnMut(usize, F::Output) -> ControlFlow<R, T>,
) -> Polled<R> {
    // A waker may be used once more when its child has ended.
    let StateProjection::Running { future } = state.as_mut().project() else {
        return Polled::Pending;
    };
    match future.poll(&mut Context::from_waker(waker)) {
        Poll::Pending => Polled::Pending,
        Poll::Ready(output) => match settle(index, output) {
            ControlFlow::Break(outcome) => Polled::Ended(outcome),
            ControlFlow::Continue(kept) => {
                state.set(State::Done { kept });
                Polled::Kept
            }
        },
    }
}

const POLLED_AGAIN: &str = "a future was polled after it had ended";

#[cfg(all(test, any(loom, shuttle)))]
mod model;
