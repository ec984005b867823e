use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::combinators::join::{Infallibly, Join, Slot, TryJoin, Unwrapped};
use crate::combinators::panics::clear_on_panic;
use crate::raw::PinnedArray;

impl<F, T, E, const N: usize> TryJoin for [F; N]
where
    F: Future<Output = Result<T, E>>,
{
    type Output = [T; N];
    type Error = E;

    fn try_join(self) -> impl Future<Output = Result<[T; N], E>> {
        JoinArray::new(self)
    }
}

impl<F: Future, const N: usize> Join for [F; N] {
    type Output = [F::Output; N];

    fn join(self) -> impl Future<Output = [F::Output; N]> {
        Unwrapped {
            future: JoinArray::new(self.map(|future| Infallibly { future })),
        }
    }
}

pin_project! {
    // The macro does not know constants: `S` is a pinned array of slots.
    struct JoinArray<S> {
        #[pin]
        slots: S,
        // An empty array has no slot that could tell.
        ended: bool,
    }
}

impl<F, T, const N: usize> JoinArray<PinnedArray<Slot<F, T>, N>> {
    fn new(futures: [F; N]) -> Self {
        const {
            assert!(
                N <= MOST,
                "each wake polls all of an array: `join_all` or `gather` is for many"
            );
        }
        Self {
            slots: PinnedArray::new(futures.map(Slot::new)),
            ended: false,
        }
    }

    fn clear(self: Pin<&mut Self>) {
        let mut slots = self.project().slots;
        for index in 0..N {
            slots.as_mut().at(index).set(Slot::Gone);
        }
    }
}

impl<F, T, E, const N: usize> Future for JoinArray<PinnedArray<Slot<F, T>, N>>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<[T; N], E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.ended, "a future was polled after it had ended");
        clear_on_panic(
            &mut self,
            |array| {
                let mut slots = array.as_mut().project().slots;
                let mut all = true;
                for index in 0..N {
                    match slots.as_mut().at(index).poll(cx) {
                        Ok(succeeded) => all &= succeeded,
                        Err(error) => {
                            array.as_mut().clear();
                            return Poll::Ready(Err(error));
                        }
                    }
                }
                if !all {
                    return Poll::Pending;
                }
                let outputs = std::array::from_fn(|index| slots.as_mut().at(index).take());
                *array.as_mut().project().ended = true;
                Poll::Ready(Ok(outputs))
            },
            |array| array.as_mut().clear(),
        )
    }
}

/// Where polling all becomes slower than keeping a list of the woken ones.
const MOST: usize = 30;
