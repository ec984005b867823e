use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::{Closed, CompletionStream, at_most};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{self, BoxedLocal, yield_now};
use futures_lite::{Stream, StreamExt};
use proptest::prelude::*;

use super::probe::{Gate, Probe};

#[test]
fn outputs_come_as_they_end_and_more_can_be_added() {
    TestRuntime::run(|rt| async move {
        let mut running = CompletionStream::new();
        let after = |ms| rt.sleep(Duration::from_millis(ms));
        assert_eq!([running.push(after(30)), running.push(after(10))], [0, 1]);
        assert_eq!(running.next().await, Some((1, ())));
        assert_eq!(running.push(after(5)), 2);
        assert_eq!(running.len(), 2);
        assert_eq!(running.next().await, Some((2, ())));
        assert_eq!(running.next().await, Some((0, ())));
        assert_eq!(running.next().await, None);
        assert!(running.is_empty());
    });
}

#[test]
fn nothing_is_lost_when_a_wait_is_dropped() {
    TestRuntime::run(|rt| async move {
        let mut running = CompletionStream::new();
        running.push(rt.sleep(Duration::from_millis(5)));
        assert_eq!(future::poll_once(running.next()).await, None);
        rt.sleep(Duration::from_millis(10)).await;
        assert_eq!(running.next().await, Some((0, ())));
    });
}

#[test]
fn those_beyond_the_limit_wait_in_their_order_without_being_polled() {
    let (probe, begun) = (Probe::default(), Rc::new(RefCell::new(Vec::new())));
    let gates: Vec<Gate> = (0..6).map(|_| Gate::default()).collect();
    let mut running = CompletionStream::new().with_limit(at_most(2).unwrap());
    for (index, gate) in gates.iter().cloned().enumerate() {
        let begun = Rc::clone(&begun);
        running.push(probe.watch(async move {
            begun.borrow_mut().push(index);
            gate.await;
        }));
    }
    assert_eq!((running.len(), running.iter().count()), (6, 2));
    assert_eq!(future::block_on(future::poll_once(running.next())), None);
    assert_eq!(*begun.borrow(), [0, 1]);
    gates[1].open();
    assert_eq!(future::block_on(running.next()), Some((1, ())));
    // The next one has begun before the output was given.
    assert_eq!(*begun.borrow(), [0, 1, 2]);
    gates.iter().for_each(Gate::open);
    let rest: Vec<_> = future::block_on(running.map(|(index, ())| index).collect());
    assert_eq!(rest.len(), 5);
    assert_eq!(*begun.borrow(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_pusher_wakes_whoever_waits() {
    TestRuntime::run_seeds(64, |rt| async move {
        let mut running = CompletionStream::new();
        running.push(rt.sleep(Duration::from_secs(60)));
        let pusher = running.pusher();
        let (other, sleeper) = (rt.clone(), rt.clone());
        let pushing = rt.spawn(async move {
            other.sleep(Duration::from_secs(1)).await;
            pusher
                .clone()
                .push(sleeper.sleep(Duration::from_secs(1)))
                .map_err(|_| ())
        });
        assert_eq!(running.next().await, Some((1, ())));
        assert_eq!(rt.now() - rt.now(), Duration::ZERO);
        assert_eq!(pushing.await.unwrap(), Ok(1));
        assert_eq!(running.next().await, Some((0, ())));
        assert_eq!(running.next().await, None);
    });
}

#[test]
fn a_body_may_push_more() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let nap = |n: u64| async move {
            rt.sleep(Duration::from_millis(n)).await;
            n
        };
        let running = CompletionStream::from_iter([nap(3)]).with_limit(at_most(1).unwrap());
        let pusher = running.pusher();
        let handled = RefCell::new(Vec::new());
        running
            .for_each(|(number, n)| {
                let (pusher, handled) = (&pusher, &handled);
                async move {
                    handled.borrow_mut().push((number, n));
                    for n in 0..n {
                        yield_now().await;
                        pusher.push(nap(n)).unwrap();
                    }
                }
            })
            .await;
        // Three leads to 0, 1 and 2, and those to their own.
        let numbers: BTreeSet<_> = handled.borrow().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..8).collect());
    });
}

#[test]
fn the_others_run_while_the_body_does() {
    TestRuntime::run(|rt| async move {
        let (rt, started) = (&rt, rt.now());
        let steps = (1..4).map(|n| async move {
            for _ in 0..n {
                rt.sleep(Duration::from_secs(1)).await;
            }
        });
        let running = CompletionStream::from_iter(steps);
        running.for_each(|_| rt.sleep(Duration::from_secs(5))).await;
        // One, and then three bodies: the futures were through long before.
        assert_eq!(rt.now() - started, Duration::from_secs(16));
    });
}

#[test]
fn a_closed_stream_takes_nothing_and_gives_what_it_has() {
    let mut running = CompletionStream::new().with_limit(at_most(1).unwrap());
    let pusher = running.pusher();
    running.extend([ready(1), ready(2)]);
    assert!(!running.is_closed() && !pusher.is_closed());
    running.close();
    assert!(running.is_closed() && pusher.is_closed());
    let Err(Closed(refused)) = pusher.push(ready(3)) else {
        panic!("a closed stream took a future")
    };
    assert_eq!(refused.into_inner(), 3);
    assert!(running.try_push(ready(4)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| running.push(ready(5)))).is_err());
    let all: Vec<_> = future::block_on(running.collect());
    assert_eq!(all, [(0, 1), (1, 2)]);
}

#[test]
fn dropping_it_drops_every_future_even_if_there_are_pushers() {
    let probe = Probe::default();
    let mut running = CompletionStream::new().with_limit(at_most(2).unwrap());
    let pusher = running.pusher();
    (0..5).for_each(|_| assert!(pusher.push(probe.watch(pending::<()>())).is_ok()));
    assert_eq!(future::block_on(future::poll_once(running.next())), None);
    drop(running);
    assert_eq!(probe.alive.get(), 0);
    assert!(pusher.is_closed());
}

#[test]
fn a_panic_drops_what_runs_and_leaves_what_waits() {
    let probe = Probe::default();
    let boxed = |panics: bool| {
        let waits = probe.watch(pending::<()>());
        Box::pin(async move {
            assert!(!panics, "boo");
            waits.await;
        }) as BoxedLocal<()>
    };
    let mut running = CompletionStream::new().with_limit(at_most(2).unwrap());
    running.extend([false, true, false].map(boxed));
    assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(running.next()))).is_err());
    assert_eq!((probe.alive.get(), running.len()), (1, 1));
    assert_eq!(future::block_on(future::poll_once(running.next())), None);
}

#[test]
fn endless_ready_futures_let_the_executor_breathe_and_others_be_polled() {
    let probe = Probe::default();
    let restless = probe.watch(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    let mut running = CompletionStream::from_iter([Box::pin(restless) as BoxedLocal<()>]);
    let mut breaks = 0;
    for _ in 0..10_000 {
        running.push(Box::pin(ready(())));
        if future::block_on(future::poll_once(running.next())).is_none() {
            breaks += 1;
        }
    }
    assert!(breaks > 10, "{breaks} breaks in ten thousand futures");
    assert!(
        probe.polls.get() > 10,
        "the restless one was polled {} times",
        probe.polls.get()
    );
}

#[test]
fn places_are_used_again() {
    let mut running = CompletionStream::new();
    let turn = |running: &mut CompletionStream<_>| {
        (0..10).for_each(|n| {
            running.push(ready(n));
        });
        while future::block_on(running.next()).is_some() {}
    };
    turn(&mut running);
    let used = allocation_counter::measure(|| (0..1000).for_each(|_| turn(&mut running)));
    assert_eq!(used.count_total, 0);
    assert_eq!(running.push(ready(0)), 10_010);
}

#[test]
fn one_large_future_takes_the_room_of_one() {
    let large = || async {
        let kept = [7_u8; 20_000];
        yield_now().await;
        kept.len()
    };
    let used = allocation_counter::measure(|| {
        let mut running = CompletionStream::from_iter([large()]);
        assert_eq!(future::block_on(running.next()), Some((0, 20_000)));
    });
    assert!(used.bytes_max < 60_000, "{} bytes", used.bytes_max);
}

#[test]
fn it_is_a_stream_and_can_be_sent() {
    fn assert_stream<S: Stream<Item = (usize, u8)> + Send + Unpin>(stream: S) -> S {
        stream
    }
    let boxed: Vec<future::Boxed<u8>> = vec![Box::pin(ready(1)), Box::pin(ready(2))];
    let stream = assert_stream(CompletionStream::from_iter(boxed));
    assert_eq!(stream.size_hint(), (2, None));
    let all: Vec<_> = future::block_on(stream.collect());
    assert_eq!(all, [(0, 1), (1, 2)]);
}

#[test]
fn dropping_it_at_any_poll_drops_every_future() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let mut running = CompletionStream::new().with_limit(at_most(2).unwrap());
        for n in 0..5 {
            let rt = &rt;
            running.push(probe.watch(async move { rt.sleep(Duration::from_millis(n)).await }));
        }
        let rt = &rt;
        let all = async move {
            running.next().await;
            running
                .for_each(|_| rt.sleep(Duration::from_millis(1)))
                .await;
        };
        cut.apply(all).await;
        assert_eq!(probe.alive.get(), 0);
    });
}

proptest! {
    #[test]
    fn each_future_ends_once_whatever_the_order(
        steps in proptest::collection::vec((0_u8..5, any::<bool>()), 1..60),
        limit in 1_usize..8,
    ) {
        let mut running = CompletionStream::new().with_limit(at_most(limit).unwrap());
        let pusher = running.pusher();
        let (mut pushed, mut ended) = (0, BTreeSet::new());
        for (waits, from_outside) in steps {
            let one = async move {
                for _ in 0..waits {
                    yield_now().await;
                }
            };
            let number = if from_outside { pusher.push(one).unwrap() } else { running.push(one) };
            prop_assert_eq!(number, pushed);
            pushed += 1;
            if waits % 2 == 0 && let Some((number, ())) = future::block_on(running.next()) {
                prop_assert!(ended.insert(number));
            }
            prop_assert_eq!(running.len(), pushed - ended.len());
            prop_assert!(running.iter().count() <= limit);
        }
        while let Some((number, ())) = future::block_on(running.next()) {
            prop_assert!(ended.insert(number));
        }
        prop_assert!(ended.into_iter().eq(0..pushed));
    }
}
