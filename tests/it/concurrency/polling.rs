//! Who is polled when, by whom it was woken, and what that costs.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use fascine::concurrency::gather;
use futures_lite::future;

use super::probe::{Gate, Probe};

/// Counts its wakes.
#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn parent() -> (Arc<Parent>, Waker) {
    let parent = Arc::new(Parent::default());
    (Arc::clone(&parent), Waker::from(parent))
}

/// Keeps its waker for ever.
struct Parked(Option<Waker>);

impl Future for Parked {
    type Output = Result<(), ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0 = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

fn wait_at(gates: &[Gate]) -> impl Iterator<Item = impl Future<Output = Result<(), ()>> + use<>> {
    let gates = gates.to_vec();
    gates.into_iter().map(|gate| async move {
        gate.await;
        Ok(())
    })
}

#[test]
fn children_that_are_ready_cost_the_list_and_the_outputs_and_no_more() {
    for count in [10, 1000, 100_000] {
        let used = allocation_counter::measure(|| {
            let mut gathered = gather((0..count).map(|n| ready(Ok::<_, ()>(n))));
            assert!(poll(&mut gathered, Waker::noop()).is_ready());
        });
        assert_eq!(used.count_total, 2, "for {count}");
    }
}

#[test]
fn a_thousand_children_that_wait_cost_three_allocations() {
    let used = allocation_counter::measure(|| {
        let mut gathered = gather((0..1000).map(|_| Parked(None)));
        assert!(poll(&mut gathered, Waker::noop()).is_pending());
    });
    assert_eq!(used.count_total, 3);
    // A child of sixteen bytes, which side it is on, and its place on the list.
    assert!(
        used.bytes_max <= 1000 * (16 + 8 + 16) + 200,
        "{} bytes",
        used.bytes_max
    );
    assert_eq!(used.count_current, 0, "something leaks");
}

#[test]
fn waking_and_polling_allocates_nothing() {
    let gates: Vec<Gate> = (0..100).map(|_| Gate::default()).collect();
    let mut gathered = gather(wait_at(&gates));
    let (_, waker) = parent();
    assert!(poll(&mut gathered, &waker).is_pending());
    let used = allocation_counter::measure(|| {
        for gate in &gates[1..] {
            gate.open();
            assert!(poll(&mut gathered, &waker).is_pending());
        }
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn a_child_is_polled_once_however_often_it_was_woken() {
    let probe = Probe::default();
    let waker = Rc::new(Cell::new(None::<Waker>));
    let child = probe.watch({
        let waker = Rc::clone(&waker);
        poll_fn(move |cx| {
            waker.set(Some(cx.waker().clone()));
            Poll::<Result<(), ()>>::Pending
        })
    });
    let mut gathered = gather([child]);
    let (parent, parents) = parent();
    assert!(poll(&mut gathered, &parents).is_pending());
    let waker = waker.take().unwrap();
    (0..5).for_each(|_| waker.wake_by_ref());
    assert_eq!(
        parent.0.load(SeqCst),
        1,
        "the parent was told more than once"
    );
    assert!(poll(&mut gathered, &parents).is_pending());
    assert_eq!(probe.polls.get(), 2);
    // Nobody was woken since.
    assert!(poll(&mut gathered, &parents).is_pending());
    assert_eq!(probe.polls.get(), 2);
}

#[test]
fn the_waker_of_a_child_stays_the_same() {
    let mut first: Option<Waker> = None;
    let child = poll_fn(move |cx| {
        match &first {
            Some(first) => assert!(first.will_wake(cx.waker())),
            None => first = Some(cx.waker().clone()),
        }
        cx.waker().wake_by_ref();
        Poll::<Result<(), ()>>::Pending
    });
    let mut gathered = gather([child]);
    for _ in 0..4 {
        assert!(poll(&mut gathered, Waker::noop()).is_pending());
    }
}

#[test]
fn only_the_last_parent_is_told() {
    let gate = Gate::default();
    let mut gathered = gather(wait_at(std::slice::from_ref(&gate)));
    let ((first, first_waker), (second, second_waker)) = (parent(), parent());
    assert!(poll(&mut gathered, &first_waker).is_pending());
    assert!(poll(&mut gathered, &second_waker).is_pending());
    gate.open();
    assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (0, 1));
    assert_eq!(
        poll(&mut gathered, &second_waker),
        Poll::Ready(Ok(vec![()]))
    );
}

#[test]
fn a_self_waking_child_is_polled_once_in_each_poll_of_the_whole() {
    let probe = Probe::default();
    let restless = probe.watch(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<Result<(), ()>>::Pending
    }));
    let mut gathered = gather([restless]);
    let (parent, waker) = parent();
    for polls in 1..10 {
        assert!(poll(&mut gathered, &waker).is_pending());
        assert_eq!((probe.polls.get(), parent.0.load(SeqCst)), (polls, polls));
    }
}

#[test]
fn the_first_woken_is_the_first_polled() {
    let order = Rc::new(RefCell::new(Vec::new()));
    let gates: Vec<Gate> = (0..5).map(|_| Gate::default()).collect();
    let children = gates.iter().cloned().enumerate().map(|(index, gate)| {
        let order = Rc::clone(&order);
        async move {
            gate.await;
            order.borrow_mut().push(index);
            Ok::<_, ()>(())
        }
    });
    let mut gathered = gather(children);
    assert!(poll(&mut gathered, Waker::noop()).is_pending());
    for index in [3, 0, 4, 1, 2] {
        gates[index].open();
    }
    assert!(poll(&mut gathered, Waker::noop()).is_ready());
    assert_eq!(*order.borrow(), [3, 0, 4, 1, 2]);
}

#[test]
fn wakers_may_outlive_it_and_keep_no_parent() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let children = (0..3).map(|_| {
        let kept = Rc::clone(&kept);
        poll_fn(move |cx| {
            kept.borrow_mut().push(cx.waker().clone());
            Poll::<Result<(), ()>>::Pending
        })
    });
    let mut gathered = gather(children);
    let (parent, waker) = parent();
    assert!(poll(&mut gathered, &waker).is_pending());
    drop((gathered, waker));
    assert_eq!(
        Arc::strong_count(&parent),
        1,
        "a waker of a child keeps the parent"
    );
    let wakers = kept.take();
    let thread = std::thread::spawn(move || {
        wakers.iter().for_each(Waker::wake_by_ref);
        let clones = wakers.clone();
        drop(wakers);
        clones.into_iter().for_each(Waker::wake);
    });
    thread.join().unwrap();
    assert_eq!(parent.0.load(SeqCst), 0);
}

#[test]
fn a_waker_of_a_child_that_has_ended_polls_nobody() {
    let probe = Probe::default();
    let kept = Rc::new(Cell::new(None::<Waker>));
    let ends = probe.watch({
        let kept = Rc::clone(&kept);
        poll_fn(move |cx| {
            kept.set(Some(cx.waker().clone()));
            Poll::Ready(Ok::<_, ()>(()))
        })
    });
    let waits = probe.watch(pending::<Result<(), ()>>());
    let children: [future::BoxedLocal<_>; 2] = [Box::pin(ends), Box::pin(waits)];
    let mut gathered = gather(children);
    assert!(poll(&mut gathered, Waker::noop()).is_pending());
    kept.take().unwrap().wake();
    assert!(poll(&mut gathered, Waker::noop()).is_pending());
    assert_eq!(probe.polls.get(), 2);
}

#[test]
fn a_waker_may_be_cloned_by_other_threads_during_the_first_poll() {
    let child = poll_fn(|cx| {
        let waker = cx.waker();
        let clones: Vec<Waker> = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| waker.clone()));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        assert!(clones.windows(2).all(|pair| pair[0].will_wake(&pair[1])));
        Poll::Ready(Ok::<_, ()>(()))
    });
    assert_eq!(future::block_on(gather([child])), Ok(vec![()]));
}

#[test]
fn children_are_woken_from_other_threads() {
    let (sent, received): (Vec<_>, Vec<_>) = (0..8)
        .map(|_| {
            let shared = Arc::new(Mutex::new((false, None::<Waker>)));
            (Arc::clone(&shared), shared)
        })
        .unzip();
    let children = received.into_iter().map(|shared| {
        poll_fn(move |cx| {
            let mut state = shared.lock().unwrap();
            state.1 = Some(cx.waker().clone());
            match state.0 {
                true => Poll::Ready(Ok::<_, ()>(())),
                false => Poll::Pending,
            }
        })
    });
    let gathered = gather(children);
    let threads = sent.into_iter().map(|shared| {
        std::thread::spawn(move || {
            let waker = {
                let mut state = shared.lock().unwrap();
                state.0 = true;
                state.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
        })
    });
    let threads: Vec<_> = threads.collect();
    assert_eq!(future::block_on(gathered).unwrap().len(), 8);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}
