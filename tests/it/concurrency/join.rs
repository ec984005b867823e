use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fascine::concurrency::{Partition, gather_all, join, join_all, try_join};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use super::probe::Probe;

#[test]
fn outputs_of_different_types_come_together() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let slow = async {
            rt.sleep(Duration::from_secs(2)).await;
            "slow"
        };
        let joined = join((slow, ready(7), async { 'c' }));
        assert_eq!(joined.await, ("slow", 7, 'c'));
        assert_eq!(rt.now() - started, Duration::from_secs(2));
    });
}

#[test]
fn tuples_of_twelve_and_arrays_of_thirty_are_joined() {
    let r = ready::<Result<u8, ()>>;
    let twelve = (
        r(Ok(0)),
        r(Ok(1)),
        r(Ok(2)),
        r(Ok(3)),
        r(Ok(4)),
        r(Ok(5)),
        r(Ok(6)),
        r(Ok(7)),
        r(Ok(8)),
        r(Ok(9)),
        r(Ok(10)),
        r(Ok(11)),
    );
    let joined = future::block_on(try_join(twelve)).unwrap();
    assert_eq!(joined, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    let thirty = future::block_on(join([(); 30].map(|()| ready(1))));
    assert_eq!(thirty, [1; 30]);
    let none: [future::Ready<u8>; 0] = [];
    assert_eq!(future::block_on(join(none)), [0_u8; 0]);
}

#[test]
fn the_first_failure_drops_the_others_before_it_is_returned() {
    let probe = Probe::default();
    let waits = || probe.watch(pending::<Result<u8, &str>>());
    let mut joined = pin!(try_join((waits(), async { Err::<u8, _>("no") }, waits())));
    assert_eq!(future::block_on(&mut joined), Err("no"));
    assert_eq!(probe.alive.get(), 0);
    let fails = || probe.watch(ready(Err::<u8, _>("none")));
    let mut joined = pin!(try_join([fails(), fails()]));
    assert_eq!(future::block_on(&mut joined), Err("none"));
    assert_eq!(probe.alive.get(), 0);
}

#[test]
fn a_panic_drops_the_others_and_goes_on() {
    let probe = Probe::default();
    let mut joined = pin!(join((probe.watch(pending::<()>()), async {
        panic!("boo") as ()
    })));
    let caught = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut joined))).unwrap_err();
    assert_eq!(
        (caught.downcast_ref(), probe.alive.get()),
        (Some(&"boo"), 0)
    );
}

#[test]
fn polling_it_after_its_end_says_so() {
    fn check<F: Future>(joined: F) {
        let mut joined = pin!(joined);
        future::block_on(&mut joined);
        let again = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut joined)));
        assert!(again.is_err_and(|panic| format!("{:?}", panic.downcast_ref::<&str>()).contains("ended")));
    }
    check(join((ready(1), ready(2))));
    check(join([ready(1)]));
    let none: [future::Ready<u8>; 0] = [];
    check(join(none));
    check(try_join((ready(Ok::<_, u8>(1)), ready(Err::<u8, _>(2)))));
}

#[test]
fn joining_allocates_nothing_and_polls_what_has_ended_no_more() {
    let polls = Cell::new(0);
    let counted = poll_fn(|_| {
        polls.set(polls.get() + 1);
        Poll::Ready(polls.get())
    });
    let used = allocation_counter::measure(|| {
        let mut joined = pin!(join((counted, pending::<()>())));
        let mut cx = Context::from_waker(Waker::noop());
        (0..3).for_each(|_| assert!(joined.as_mut().poll(&mut cx).is_pending()));
    });
    assert_eq!((used.count_total, polls.get()), (0, 1));
}

#[test]
fn a_pair_takes_little_more_room_than_its_futures() {
    let large = || async {
        let kept = [7_u8; 1000];
        future::yield_now().await;
        kept.len()
    };
    let one = size_of_val(&large());
    let both = size_of_val(&join((large(), large())));
    assert!(both <= 2 * (one + 16), "{one} and {one} make {both}");
}

#[test]
fn dropping_it_at_any_poll_drops_every_child() {
    let longest = drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let sleep = |ms| {
            let rt = &rt;
            probe.watch(async move {
                rt.sleep(Duration::from_millis(ms)).await;
                Ok::<_, ()>(ms)
            })
        };
        let pair = async { try_join([sleep(3), sleep(4)]).await };
        cut.apply(try_join((sleep(1), sleep(2), pair, sleep(5))))
            .await;
        assert_eq!(probe.alive.get(), 0);
    });
    assert!(longest > 3);
}

#[test]
fn every_result_is_kept_with_its_index() {
    let results = gather_all((0..6).map(|n| ready(if n % 3 == 0 { Err(n) } else { Ok(n) })));
    let parts = future::block_on(results).partition();
    assert_eq!(parts.successes, [(1, 1), (2, 2), (4, 4), (5, 5)]);
    assert_eq!(parts.failures, [(0, 0), (3, 3)]);
}

#[test]
fn failures_end_nobody_else() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let children = (0..4_u64).map(|n| async move {
            rt.sleep(Duration::from_secs(n)).await;
            if n < 2 { Err(n) } else { Ok(n) }
        });
        assert_eq!(gather_all(children).await, [Err(0), Err(1), Ok(2), Ok(3)]);
    });
}

#[test]
fn infallible_futures_give_plain_outputs() {
    assert_eq!(future::block_on(join_all((0..3).map(ready))), [0, 1, 2]);
    assert_eq!(future::block_on(join_all((0..0).map(ready))), [0; 0]);
}

#[test]
fn dropping_all_of_them_at_any_poll_drops_every_child() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let rt = &rt;
        let children = (1..5_u64).map(|n| {
            probe.watch(async move {
                rt.sleep(Duration::from_millis(n)).await;
                if n == 2 { Err(n) } else { Ok(n) }
            })
        });
        if let Some(results) = cut.apply(gather_all(children)).await {
            assert_eq!(results, [Ok(1), Err(2), Ok(3), Ok(4)]);
        }
        assert_eq!(probe.alive.get(), 0);
    });
}
