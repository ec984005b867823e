use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::{
    ZeroLimit, at_most, bounded_map, bounded_map_all, bounded_map_stream, bounded_map_unordered,
    from_stream,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{self, yield_now};
use futures_lite::{Stream, StreamExt, stream};
use proptest::prelude::*;

use super::probe::Probe;

fn limit(limit: usize) -> NonZeroUsize {
    at_most(limit).unwrap()
}

fn collect<T>(outputs: impl Stream<Item = T>) -> Vec<T> {
    future::block_on(outputs.collect())
}

#[test]
fn a_limit_of_zero_is_an_error() {
    assert_eq!(at_most(0), Err(ZeroLimit));
    assert_eq!(at_most(usize::MAX).map(NonZeroUsize::get), Ok(usize::MAX));
}

#[test]
fn a_stream_keeps_the_order_and_an_unordered_one_does_not() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let nap = |seconds: u64| async move {
            rt.sleep(Duration::from_secs(seconds)).await;
            seconds
        };
        let ordered: Vec<_> = bounded_map_stream([3, 1, 2], limit(3), nap).collect().await;
        assert_eq!(ordered, [3, 1, 2]);
        let unordered: Vec<_> = bounded_map_unordered([3, 1, 2], limit(3), nap)
            .collect()
            .await;
        assert_eq!(unordered, [(1, 1), (2, 2), (0, 3)]);
    });
}

#[test]
fn the_next_item_is_begun_before_an_output_is_given() {
    let begun = Cell::new(0);
    let polled = Cell::new(0);
    let items = (0..).inspect(|_| begun.set(begun.get() + 1));
    let one = |n: u32| {
        let mut waited = false;
        let polled = &polled;
        poll_fn(move |cx| {
            if waited || n == 0 {
                return Poll::Ready(n);
            }
            polled.set(polled.get() + 1);
            waited = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    };
    let mut outputs = pin!(bounded_map_unordered(items, limit(3), one));
    assert_eq!(future::block_on(outputs.next()), Some((0, 0)));
    // Three run while the consumer has the first output: they were all polled.
    assert_eq!((begun.get(), polled.get()), (4, 3));
}

#[test]
fn a_slow_consumer_stops_the_intake() {
    for most in [1, 4] {
        let taken = Cell::new(0);
        let items = || (0..1000).inspect(|_| taken.set(taken.get() + 1));
        let mut ordered = pin!(bounded_map_stream(items(), limit(most), ready));
        for given in 1..=10 {
            assert_eq!(future::block_on(ordered.next()), Some(given - 1));
            assert!(
                taken.get() <= given + most,
                "{} taken, {given} given",
                taken.get()
            );
        }
        taken.set(0);
        let mut unordered = pin!(bounded_map_unordered(items(), limit(most), ready));
        for given in 1..=10 {
            assert!(future::block_on(unordered.next()).is_some());
            assert!(
                taken.get() <= given + most,
                "{} taken, {given} given",
                taken.get()
            );
        }
    }
}

#[test]
fn a_slow_item_stops_an_ordered_stream_at_its_window() {
    let taken = Cell::new(0);
    let items = (0..1000).inspect(|_| taken.set(taken.get() + 1));
    let map = |n: u32| async move {
        if n == 2 {
            pending::<()>().await;
        }
        n
    };
    let mut outputs = pin!(bounded_map_stream(items, limit(5), map));
    assert_eq!(future::block_on(outputs.next()), Some(0));
    assert_eq!(future::block_on(outputs.next()), Some(1));
    assert_eq!(future::block_on(future::poll_once(outputs.next())), None);
    assert_eq!(taken.get(), 7);
}

#[test]
fn a_million_items_take_no_more_memory_than_the_window() {
    let one = |n: u32| async move {
        if n.is_multiple_of(2) {
            yield_now().await;
        }
        n
    };
    future::block_on(ready(())); // What the executor allocates once.
    for ordered in [true, false] {
        let used = allocation_counter::measure(|| {
            let count = match ordered {
                true => future::block_on(bounded_map_stream(0..1_000_000, limit(8), one).count()),
                false => {
                    future::block_on(bounded_map_unordered(0..1_000_000, limit(8), one).count())
                }
            };
            assert_eq!(count, 1_000_000);
        });
        assert!(used.count_total < 30, "{} allocations", used.count_total);
        assert!(used.bytes_max < 4096, "{} bytes", used.bytes_max);
    }
}

#[test]
fn a_source_that_waits_does_not_stop_what_runs() {
    TestRuntime::run(|rt| async move {
        let (rt, started) = (&rt, rt.now());
        let items = stream::unfold(0, |n| async move {
            rt.sleep(Duration::from_secs(10 * n)).await;
            (n < 3).then_some((n, n + 1))
        });
        let ended = RefCell::new(Vec::new());
        let outputs = bounded_map(from_stream(items), limit(2), |n| {
            let ended = &ended;
            async move {
                rt.sleep(Duration::from_secs(1)).await;
                ended.borrow_mut().push((rt.now() - started).as_secs());
                Ok::<_, ()>(n)
            }
        });
        assert_eq!(outputs.await, Ok(vec![0, 1, 2]));
        assert_eq!(*ended.borrow(), [1, 11, 31]);
    });
}

#[test]
fn a_stream_is_asked_only_when_there_is_room() {
    let asked = Cell::new(0);
    let items = poll_stream(|| {
        asked.set(asked.get() + 1);
        Some(())
    });
    let mapped = bounded_map(from_stream(items), limit(3), |()| {
        pending::<Result<(), ()>>()
    });
    assert_eq!(future::block_on(future::poll_once(mapped)), None);
    assert_eq!(asked.get(), 3);
}

#[test]
fn failures_of_the_source_and_of_the_function_end_it() {
    let probe = Probe::default();
    let lines =
        |torn| stream::iter((0..10).map(move |n| if n == torn { Err("torn") } else { Ok(n) }));
    let double = |line: Result<u32, &'static str>| {
        probe.watch(async move {
            yield_now().await;
            let n = line?;
            if n == 4 { Err("four") } else { Ok(2 * n) }
        })
    };
    let run = |torn| future::block_on(bounded_map(from_stream(lines(torn)), limit(2), double));
    assert_eq!(run(2), Err("torn"));
    assert_eq!(run(7), Err("four"));
    assert_eq!(probe.alive.get(), 0);
}

#[test]
fn every_result_is_collected_in_order() {
    let results = bounded_map_all(0..5, limit(2), |n| async move {
        yield_now().await;
        if n % 2 == 0 { Ok(n) } else { Err(n) }
    });
    assert_eq!(
        future::block_on(results),
        [Ok(0), Err(1), Ok(2), Err(3), Ok(4)]
    );
}

#[test]
fn a_panic_of_the_function_the_source_or_a_future_drops_what_runs() {
    let probe = Probe::default();
    let waits = || probe.watch(pending::<Result<(), ()>>());
    let boom = |n: u32, at: u32| assert!(n != at, "boo");
    let by_function = bounded_map(0.., limit(9), |n| {
        boom(n, 2);
        waits()
    });
    let by_source = bounded_map((0..).inspect(|n| boom(*n, 2)), limit(9), |_| waits());
    let by_future = bounded_map(0.., limit(9), |n| {
        let waits = waits();
        async move {
            boom(n, 2);
            waits.await
        }
    });
    fn check(probe: &Probe, mapped: impl Future<Output = Result<Vec<()>, ()>>) {
        let mut mapped = pin!(mapped);
        assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(&mut mapped))).is_err());
        assert_eq!(probe.alive.get(), 0);
        assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(&mut mapped))).is_err());
    }
    check(&probe, by_function);
    check(&probe, by_source);
    check(&probe, by_future);
}

#[test]
fn a_panic_ends_a_stream() {
    let mut outputs = pin!(bounded_map_stream(0..9, limit(2), |n| async move {
        assert!(n < 3, "boo");
        n
    }));
    let mut next = || catch_unwind(AssertUnwindSafe(|| future::block_on(outputs.next())));
    assert_eq!(next().ok(), Some(Some(0)));
    // While an output is given the next item is begun, and its panic takes the output with it.
    assert!(next().is_err());
    assert_eq!(next().ok(), Some(None));
}

#[test]
fn endless_items_under_an_endless_limit_let_the_executor_breathe() {
    let mapped = bounded_map(0_u64.., NonZeroUsize::MAX, |_| pending::<Result<(), ()>>());
    assert_eq!(future::block_on(future::poll_once(mapped)), None);
    let mapped = bounded_map(0_u64.., limit(1), |n| ready(Ok::<_, ()>(n)));
    assert_eq!(future::block_on(future::poll_once(mapped)), None);
    let mut outputs = pin!(bounded_map_unordered(0_u64.., limit(1), ready));
    let waited = (0..10_000).any(|_| future::block_on(future::poll_once(outputs.next())).is_none());
    assert!(waited, "ten thousand outputs without a break");
}

#[test]
fn ready_items_do_not_starve_one_that_was_woken() {
    let given = Cell::new(0);
    let map = |n: u32| {
        let mut polls = 0;
        poll_fn(move |cx| {
            polls += 1;
            if n > 0 || polls > 2 {
                return Poll::Ready(n);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    };
    let mut outputs = pin!(bounded_map_unordered(0.., limit(2), map));
    while future::block_on(outputs.next()) != Some((0, 0)) {
        given.set(given.get() + 1);
        assert!(given.get() < 2000, "the first item waits for ever");
    }
}

#[test]
fn dropping_a_stream_at_any_poll_drops_what_runs() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let nap = |n| {
            let rt = &rt;
            probe.watch(async move { rt.sleep(Duration::from_millis(n)).await })
        };
        let all = async {
            bounded_map_stream(0..6, limit(2), nap).count().await;
            bounded_map_unordered(0..6, limit(2), nap).count().await;
            let items = stream::iter(0..6).then(|n| async move {
                yield_now().await;
                n
            });
            bounded_map_all(from_stream(items), limit(2), |n| {
                let nap = nap(n);
                async move {
                    nap.await;
                    Ok::<_, ()>(n)
                }
            })
            .await;
        };
        cut.apply(all).await;
        assert_eq!(probe.alive.get(), 0);
    });
}

proptest! {
    #[test]
    fn all_forms_agree_with_a_plain_loop(
        waits in proptest::collection::vec(0_u8..4, 0..40),
        most in 1_usize..12,
    ) {
        let probe = Probe::default();
        let map = |(index, waits): (usize, u8)| {
            probe.watch(async move {
                for _ in 0..waits {
                    yield_now().await;
                }
                index
            })
        };
        let items = || waits.iter().copied().enumerate();
        let plain: Vec<usize> = (0..waits.len()).collect();
        let fallible = |item| { let one = map(item); async move { Ok::<_, ()>(one.await) } };
        prop_assert_eq!(future::block_on(bounded_map(items(), limit(most), fallible)), Ok(plain.clone()));
        prop_assert!(probe.most_alive.get() <= most.min(waits.len()));
        prop_assert_eq!(collect(bounded_map_stream(items(), limit(most), map)), plain.clone());
        let source = from_stream(stream::iter(items()));
        let mut unordered = collect(bounded_map_unordered(source, limit(most), map));
        unordered.sort_unstable();
        prop_assert!(unordered.iter().all(|(index, output)| index == output));
        prop_assert_eq!(unordered.len(), waits.len());
        prop_assert!(probe.most_alive.get() <= most.min(waits.len()));
    }
}

/// A stream that is always ready.
fn poll_stream<T>(mut next: impl FnMut() -> Option<T>) -> impl Stream<Item = T> {
    stream::poll_fn(move |_| Poll::Ready(next()))
}
