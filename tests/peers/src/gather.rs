use std::cell::Cell;
use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use fascine_concurrency::gather;
use futures_concurrency::future::{Join, TryJoin};
use futures_lite::future::block_on;
use futures_util::future::{join_all, try_join_all};

use crate::harness::{Options, peer};

/// Many futures at once: ready, or woken one by one.
pub(crate) fn run(options: &Options) {
    for count in [10, 1000, 100_000] {
        ready_at_once(options, count);
    }
    for count in [30, 1000, 10_000, 50_000] {
        woken_one_by_one(options, count);
    }
    flat(options);
    parked(options);
}

fn ready_at_once(options: &Options, count: u32) {
    let children = || (0..count).map(|n| ready(Ok::<_, ()>(n)));
    options.compare(
        &format!("gather/ready/{count}"),
        count,
        || drop(black_box(block_on(gather(children())))),
        vec![
            peer("futures try_join_all", || {
                drop(black_box(block_on(try_join_all(children()))));
            }),
            peer("futures join_all", || {
                drop(black_box(block_on(join_all(children()))));
            }),
            peer("futures-buffered try_join_all", || {
                drop(black_box(block_on(futures_buffered::try_join_all(
                    children(),
                ))));
            }),
            peer("futures-buffered join_all", || {
                drop(black_box(block_on(futures_buffered::join_all(children()))));
            }),
            peer("futures-concurrency try_join", || {
                drop(black_box(block_on(
                    children().collect::<Vec<_>>().try_join(),
                )));
            }),
        ],
    );
}

fn woken_one_by_one(options: &Options, count: u32) {
    let mut peers = vec![
        peer("futures try_join_all", || staggered(count, try_join_all)),
        peer("futures-buffered try_join_all", || {
            staggered(count, futures_buffered::try_join_all);
        }),
    ];
    // It looks at every child on each wake: minutes at ten thousand.
    if count <= 1000 {
        peers.push(peer("futures-concurrency try_join", || {
            staggered(count, |gates| gates.collect::<Vec<_>>().try_join());
        }));
    }
    let name = format!("gather/staggered/{count}");
    options.compare(&name, count, || staggered(count, gather), peers);
}

/// What a wake costs among many, over what it costs among a few.
fn flat(options: &Options) {
    let few = || (0..50).for_each(|_| staggered(1000, gather));
    let many = || staggered(50_000, gather);
    options.compare(
        "gather/flat",
        50_000,
        many,
        vec![peer("itself at 1,000", few)],
    );
}

/// What a thousand children of 56 bytes take while they wait.
fn parked(options: &Options) {
    if !options.wants("gather/bytes_per_child") && !options.wants("gather/allocs_per_child") {
        return;
    }
    let ours = measure(gather);
    let peers = [
        ("futures join_all", measure(join_all)),
        ("futures try_join_all", measure(try_join_all)),
        (
            "futures-buffered join_all",
            measure(futures_buffered::join_all),
        ),
        (
            "futures-buffered try_join_all",
            measure(futures_buffered::try_join_all),
        ),
        (
            "futures-concurrency join",
            measure(|children| children.collect::<Vec<_>>().join()),
        ),
    ];
    let least = |of: fn(&(f64, f64)) -> f64| {
        let figures = peers
            .iter()
            .map(move |(name, figures)| (*name, of(figures)));
        figures.min_by(|(_, a), (_, b)| a.total_cmp(b))
    };
    if let Some((peer, theirs)) = least(|(bytes, _)| *bytes) {
        options.report("gather/bytes_per_child", "B", ours.0, theirs, peer);
    }
    if let Some((peer, theirs)) = least(|(_, allocations)| *allocations) {
        options.report("gather/allocs_per_child", "allocs", ours.1, theirs, peer);
    }
}

/// Bytes and allocations to a child, while all of them wait.
fn measure<F: Future>(make: impl FnOnce(ManyParked) -> F) -> (f64, f64) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut kept = None;
    let used = allocation_counter::measure(|| {
        let children = (0..PARKED).map((|_| Parked::default()) as fn(u32) -> Parked);
        let mut waiting = Box::pin(make(children));
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        kept = Some(waiting);
    });
    // The box is no part of it.
    let bytes = used.bytes_current as f64 - size_of::<F>() as f64;
    let allocations = used.count_current as f64 - 1.0;
    drop(kept);
    (bytes / f64::from(PARKED), allocations / f64::from(PARKED))
}

/// Opens the gates one by one and polls after each.
fn staggered<F: Future>(count: u32, make: impl FnOnce(std::vec::IntoIter<Gate>) -> F) {
    let gates: Vec<Gate> = (0..count).map(|_| Gate::default()).collect();
    let mut gathered = pin!(make(gates.clone().into_iter()));
    let parent = Waker::from(Arc::new(Parent));
    let mut cx = Context::from_waker(&parent);
    let mut polled = gathered.as_mut().poll(&mut cx);
    for gate in &gates {
        gate.open();
        polled = gathered.as_mut().poll(&mut cx);
    }
    assert!(polled.is_ready(), "all gates are open");
}

/// Whose waker costs what the waker of a task costs.
struct Parent;

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        black_box(self);
    }
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
    type Output = Result<u32, ()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.0.get() {
            return Poll::Ready(Ok(1));
        }
        self.0.1.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

/// A future of 56 bytes that waits for ever.
#[derive(Default)]
struct Parked {
    waker: Option<Waker>,
    _state: [u64; 5],
}

impl Future for Parked {
    type Output = Result<u32, ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

type ManyParked = std::iter::Map<std::ops::Range<u32>, fn(u32) -> Parked>;

const PARKED: u32 = 1000;
const _: () = assert!(size_of::<Parked>() == 56);
