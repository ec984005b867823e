use std::cell::Cell;
use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use fascine_concurrency::gather;
use futures_lite::future;
use futures_util::future::{join_all, try_join_all};

use crate::harness::{Options, peer};

/// Many futures at once, ready or woken one by one.
pub(crate) fn run(options: &Options) {
    for count in [10_u32, 1000] {
        options.compare(
            &format!("gather/ready/{count}"),
            count,
            || {
                let children = (0..count).map(|n| ready(Ok::<_, ()>(n)));
                black_box(future::block_on(gather(children)).is_ok());
            },
            vec![peer("futures try_join_all", || {
                let children = (0..count).map(|n| ready(Ok::<_, ()>(n)));
                black_box(future::block_on(try_join_all(children)).is_ok());
            })],
        );
    }
    for count in [30_usize, 1000, 10_000] {
        options.compare(
            &format!("gather/staggered/{count}"),
            count as u32,
            || staggered(count, |gates| gather(gates.map(succeed))),
            vec![peer("futures join_all", || staggered(count, join_all))],
        );
    }
}

async fn succeed(gate: Gate) -> Result<(), ()> {
    gate.await;
    Ok(())
}

/// Opens the gates one by one and polls after each.
fn staggered<F: Future>(count: usize, make: impl FnOnce(std::vec::IntoIter<Gate>) -> F) {
    let gates: Vec<Gate> = (0..count).map(|_| Gate::default()).collect();
    let mut gathered = pin!(make(gates.clone().into_iter()));
    let mut cx = Context::from_waker(Waker::noop());
    let mut polled = gathered.as_mut().poll(&mut cx);
    for gate in &gates {
        gate.open();
        polled = gathered.as_mut().poll(&mut cx);
    }
    assert!(polled.is_ready(), "all gates are open");
}

/// A future that waits until it is opened.
#[derive(Clone, Default)]
struct Gate(Rc<(Cell<bool>, Cell<Option<Waker>>)>);

impl Gate {
    fn open(&self) {
        self.0.0.set(true);
        if let Some(waker) = self.0.1.take() {
            waker.wake();
        }
    }
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.0.get() {
            return Poll::Ready(());
        }
        self.0.1.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}
