use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use allocation_counter::measure;
use fascine::concurrency::{fail_after, join, join_all};
use fascine::http::Net;
use fascine::resilience::{Bulkhead, BulkheadError};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, pending, yield_now};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

fn bulkhead(rt: &Rt, concurrency: usize) -> Bulkhead {
    Bulkhead::new(rt, NonZeroUsize::new(concurrency).unwrap())
}

on_every_runtime! {
    no_more_run_than_may_and_all_get_their_turn,
}

async fn no_more_run_than_may_and_all_get_their_turn(rt: Rt, _: Arc<dyn Net>) {
    let bulkhead = bulkhead(&rt, 3).with_queue(usize::MAX);
    let running = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..30)
        .map(|_| {
            let (bulkhead, running) = (bulkhead.clone(), Arc::clone(&running));
            rt.spawn(async move {
                let call = || async {
                    assert!(running.fetch_add(1, SeqCst) < 3);
                    yield_now().await;
                    running.fetch_sub(1, SeqCst);
                };
                bulkhead.run(call).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
}

#[test]
fn whoever_finds_it_and_its_queue_full_is_refused_at_once() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(1);
        let inside = bulkhead.acquire().await.unwrap();
        let waiting = rt.spawn({
            let bulkhead = bulkhead.clone();
            async move { bulkhead.acquire().await.map(drop) }
        });
        while bulkhead.waiting() == 0 {
            yield_now().await;
        }
        let full = BulkheadError::Full {
            running: 1,
            waiting: 1,
        };
        assert_eq!(bulkhead.run(pending::<()>).await, Err(full));
        assert_eq!(bulkhead.try_acquire().unwrap_err(), full);
        drop(inside);
        assert_eq!(waiting.await.unwrap(), Ok(()));
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    });
}

#[test]
fn a_wait_ends_after_exactly_the_longest_time_and_leaves_the_queue() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(9).with_max_wait(ms(250));
        let inside = bulkhead.acquire().await.unwrap();
        let started = rt.now();
        let refused = bulkhead.run(|| async {}).await;
        assert_eq!(refused, Err(BulkheadError::WaitTooLong { waited: ms(250) }));
        assert_eq!(rt.now() - started, ms(250));
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (1, 0));

        let impatient = bulkhead.clone().with_max_wait(Duration::ZERO);
        let refused = impatient.run(|| async {}).await;
        assert_eq!(
            refused,
            Err(BulkheadError::Full {
                running: 1,
                waiting: 0
            })
        );
        assert_eq!(rt.now() - started, ms(250));
        drop(inside);
    });
}

#[test]
fn nobody_waits_where_the_deadline_has_passed() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(9);
        let inside = bulkhead.acquire().await.unwrap();
        let late = fail_after(&rt, Duration::ZERO, bulkhead.run(|| async {})).await;
        assert_eq!(late, Ok(Err(BulkheadError::Deadline)));
        let cut = fail_after(&rt, ms(7), bulkhead.run(|| async {})).await;
        assert!(cut.is_err());
        assert_eq!(bulkhead.waiting(), 0);
        drop(inside);
    });
}

#[test]
fn those_that_wait_are_let_in_in_their_order() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(99);
        let order = Cell::new(0);
        let calls = (0..20).map(|nth| {
            let (rt, bulkhead, order) = (&rt, &bulkhead, &order);
            async move {
                let call = || async move {
                    assert_eq!(order.replace(nth + 1), nth);
                    rt.sleep(ms(1)).await;
                };
                bulkhead.run(call).await.unwrap();
            }
        });
        join_all(calls).await;
        assert_eq!(order.get(), 20);
    });
}

#[test]
fn a_dropped_call_gives_back_its_room_and_its_place() {
    drop_after_every_poll(|rt, cut| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(1).with_max_wait(ms(60));
        let other = bulkhead.acquire().await.unwrap();
        let holder = rt.spawn({
            let rt = rt.clone();
            async move {
                rt.sleep(ms(10)).await;
                drop(other);
            }
        });
        cut.apply(bulkhead.run(|| rt.sleep(ms(5)))).await;
        assert_eq!(bulkhead.waiting(), 0);
        holder.await.unwrap();
        assert_eq!(bulkhead.running(), 0);
        assert!(bulkhead.try_acquire().is_ok());
    });
}

#[test]
fn a_dropped_acquire_takes_nothing() {
    drop_after_every_poll(|rt, cut| async move {
        let bulkhead = bulkhead(&rt, 1).with_queue(2);
        let inside = bulkhead.acquire().await.unwrap();
        let next = rt.spawn({
            let bulkhead = bulkhead.clone();
            async move { bulkhead.acquire().await.map(drop) }
        });
        let leave = async {
            rt.sleep(ms(1)).await;
            drop(inside);
        };
        let (permit, ()) = join((cut.apply(bulkhead.acquire()), leave)).await;
        drop(permit);
        assert_eq!(next.await.unwrap(), Ok(()));
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    });
}

#[test]
fn a_call_that_panics_gives_back_its_room() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, 1);
        let task = rt.spawn({
            let bulkhead = bulkhead.clone();
            async move { bulkhead.run(|| async { panic!("on purpose") }).await }
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(bulkhead.running(), 0);
    });
}

#[test]
fn a_call_that_finds_room_allocates_nothing() {
    let bulkhead = bulkhead(&TestRuntime::new().rt(), 1);
    // The first `block_on` of a thread allocates.
    block_on(async {});
    let info = measure(|| block_on(bulkhead.run(|| async {})).unwrap());
    assert_eq!(info.count_total, 0);
}

#[test]
fn more_room_than_can_be_counted_is_as_much_as_can_be() {
    TestRuntime::run(|rt| async move {
        let bulkhead = bulkhead(&rt, usize::MAX);
        assert_eq!(bulkhead.run(|| async { 1 }).await, Ok(1));
        assert_eq!(bulkhead.running(), 0);
    });
}
