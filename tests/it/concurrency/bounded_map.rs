use std::cell::Cell;
use std::future::pending;
use std::num::NonZeroUsize;
use std::time::Duration;

use fascine::concurrency::bounded_map;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{self, yield_now};

use super::probe::Probe;

fn limit(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).unwrap()
}

#[test]
fn outputs_come_in_order_and_no_more_than_the_limit_run() {
    for most in [1, 3, 100] {
        let probe = Probe::default();
        let elapsed = TestRuntime::run(|rt| {
            let probe = probe.clone();
            async move {
                let started = rt.now();
                let outputs = bounded_map(0..30_u64, limit(most), |n| {
                    let rt = &rt;
                    probe.watch(async move {
                        rt.sleep(Duration::from_millis(10 + n % 3)).await;
                        Ok::<_, ()>(n)
                    })
                });
                assert_eq!(outputs.await.unwrap(), (0..30).collect::<Vec<_>>());
                rt.now() - started
            }
        });
        assert_eq!(probe.most_alive.get(), most.min(30));
        if most == 100 {
            assert_eq!(elapsed, Duration::from_millis(12));
        }
    }
}

#[test]
fn items_are_taken_only_when_there_is_room() {
    let taken = Cell::new(0);
    let items = (0..).inspect(|_| taken.set(taken.get() + 1));
    let mapped = bounded_map(items, limit(4), |_: u32| pending::<Result<(), ()>>());
    future::block_on(future::poll_once(mapped));
    assert_eq!(taken.get(), 4);
}

#[test]
fn a_failure_ends_it_and_takes_no_further_item() {
    let (taken, probe) = (Cell::new(0), Probe::default());
    let items = (0..1000).inspect(|_| taken.set(taken.get() + 1));
    let outcome = future::block_on(bounded_map(items, limit(4), |n| {
        probe.watch(async move {
            yield_now().await;
            if n == 6 { Err(n) } else { Ok(n) }
        })
    }));
    assert_eq!((outcome, probe.alive.get()), (Err(6), 0));
    assert!(taken.get() < 20, "{} taken", taken.get());
}

#[test]
fn a_million_items_keep_no_more_than_the_window_alive() {
    let probe = Probe::default();
    let outputs = future::block_on(bounded_map(0..1_000_000_u32, limit(8), |n| {
        probe.watch(async move { Ok::<_, ()>(n) })
    }));
    assert_eq!(outputs.unwrap().len(), 1_000_000);
    assert!(probe.most_alive.get() <= 8);
}

#[test]
fn no_items_give_no_outputs() {
    let mapped = bounded_map([0_u8; 0], limit(1), |_| async { Ok::<(), ()>(()) });
    assert_eq!(future::block_on(mapped), Ok(vec![]));
}

#[test]
fn dropping_it_at_any_poll_drops_what_runs() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let mapped = bounded_map(0..6_u64, limit(2), |n| {
            let rt = &rt;
            probe.watch(async move {
                rt.sleep(Duration::from_millis(n)).await;
                Ok::<_, ()>(())
            })
        });
        cut.apply(mapped).await;
        assert_eq!(probe.alive.get(), 0);
    });
}
