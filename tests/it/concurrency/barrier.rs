use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::Barrier;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, yield_now};

use super::wakes::Wakes;
use crate::runtimes::on_every_runtime;

fn barrier(participants: usize) -> Barrier {
    Barrier::new(NonZeroUsize::new(participants).unwrap())
}

on_every_runtime! {
    nobody_goes_on_before_all_have_come,
}

async fn nobody_goes_on_before_all_have_come(rt: Rt, _: Arc<dyn Net>) {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let shared = Arc::new((barrier(8), AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let shared = Arc::clone(&shared);
            rt.spawn(async move {
                let mut led = 0;
                for round in 1..=10 {
                    shared.1.fetch_add(1, SeqCst);
                    led += usize::from(shared.0.wait().await.is_leader());
                    assert!(shared.1.load(SeqCst) >= round * 8);
                }
                led
            })
        })
        .collect();
    let mut led = 0;
    for task in tasks {
        led += task.await.unwrap();
    }
    assert_eq!(led, 10);
}

#[test]
fn one_alone_leads_and_does_not_wait() {
    let alone = barrier(1);
    assert!((0..3).all(|_| block_on(alone.wait()).is_leader()));
    assert_eq!((alone.participants().get(), alone.waiting()), (1, 0));
}

#[test]
fn one_that_leaves_has_not_come() {
    let barrier = barrier(3);
    let wakes = Wakes::new();
    let [mut first, mut leaves, mut third, mut last] = [(); 4].map(|()| barrier.wait());
    assert!(wakes.poll(&mut first).is_pending());
    assert!(Wakes::new().poll(&mut leaves).is_pending());
    assert_eq!(barrier.waiting(), 2);
    drop(leaves);
    assert_eq!(barrier.waiting(), 1);
    assert!(Wakes::new().poll(&mut third).is_pending());
    assert_eq!(wakes.count(), 0);
    let Poll::Ready(result) = Wakes::new().poll(&mut last) else {
        panic!("it is the third")
    };
    assert!(result.is_leader());
    assert_eq!(wakes.count(), 1);
    // The next round is open though this one has not been looked at.
    let mut next = barrier.wait();
    assert!(Wakes::new().poll(&mut next).is_pending());
    assert!(matches!(wakes.poll(&mut first), Poll::Ready(result) if !result.is_leader()));
    assert!(Wakes::new().poll(&mut third).is_ready());
    assert_eq!(barrier.waiting(), 1);
}

#[test]
fn a_wait_that_is_dropped_anywhere_breaks_no_round() {
    drop_after_every_poll(|rt, cut| async move {
        let barrier = Arc::new(barrier(2));
        let other = rt.spawn({
            let (rt, barrier) = (rt.clone(), Arc::clone(&barrier));
            async move {
                rt.sleep(Duration::from_millis(1)).await;
                barrier.wait().await
            }
        });
        let came = cut.apply(barrier.wait()).await.is_some();
        if !came {
            assert_eq!(barrier.waiting(), 0);
            barrier.wait().await;
        }
        other.await.unwrap();
        assert_eq!(barrier.waiting(), 0);
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let barrier = Arc::new(barrier(3));
        let spawn = || {
            let barrier = Arc::clone(&barrier);
            rt.spawn(async move { barrier.wait().await.is_leader() })
        };
        // Two of them come, and are cancelled.
        let gone = [spawn(), spawn()];
        yield_now().await;
        drop(gone);
        rt.sleep(Duration::from_millis(1)).await;
        assert_eq!(barrier.waiting(), 0);
        let mut leaders = 0;
        for task in [spawn(), spawn(), spawn()] {
            leaders += usize::from(task.await.unwrap());
        }
        assert_eq!(leaders, 1);
    });
}

#[test]
#[should_panic(expected = "polled after it had ended")]
fn polling_after_the_end_says_so() {
    let alone = barrier(1);
    let mut wait = alone.wait();
    assert!(Wakes::new().poll(&mut wait).is_ready());
    let _ = Wakes::new().poll(&mut wait);
}
