use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Wake};

use allocation_counter::measure;
use fascine::concurrency::{Acquire, AcquireError, Semaphore};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, yield_now};

use super::wakes::{Meddler, Wakes, poll_with};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    no_more_are_held_than_there_are,
    closing_ends_every_wait,
}

async fn no_more_are_held_than_there_are(rt: Rt, _: Arc<dyn Net>) {
    let semaphore = Arc::new(Semaphore::new(5));
    let held = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..30)
        .map(|nth| {
            let (semaphore, held) = (Arc::clone(&semaphore), Arc::clone(&held));
            rt.spawn(async move {
                let weight = nth % 3 + 1;
                for _ in 0..5 {
                    let permits = semaphore.acquire_many(weight).await.unwrap();
                    assert!(held.fetch_add(weight, SeqCst) + weight <= 5);
                    yield_now().await;
                    held.fetch_sub(weight, SeqCst);
                    drop(permits);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(semaphore.available_permits(), 5);
}

async fn closing_ends_every_wait(rt: Rt, _: Arc<dyn Net>) {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = semaphore.acquire_arc().await.unwrap();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let semaphore = Arc::clone(&semaphore);
            rt.spawn(async move { semaphore.acquire().await.map(drop) })
        })
        .collect();
    assert!(semaphore.close());
    assert!(!semaphore.close());
    for task in tasks {
        assert_eq!(task.await.unwrap(), Err(AcquireError::Closed));
    }
    // What is held stays held.
    assert_eq!(semaphore.available_permits(), 0);
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), AcquireError::Closed);
    assert_eq!(
        semaphore.try_acquire_many(0).unwrap_err(),
        AcquireError::Closed
    );
    assert_eq!(
        semaphore.acquire_many(0).await.unwrap_err(),
        AcquireError::Closed
    );
}

#[test]
fn permits_are_granted_in_the_order_of_the_calls() {
    TestRuntime::run_seeds(64, |rt| async move {
        let semaphore = Arc::new(Semaphore::new(0));
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for nth in 0..10 {
            let mut acquire = semaphore.acquire_arc();
            assert!(Wakes::new().poll(&mut acquire).is_pending());
            let order = Arc::clone(&order);
            tasks.push(rt.spawn(async move {
                let permit = acquire.await.unwrap();
                order.lock().unwrap().push(nth);
                yield_now().await;
                drop(permit);
            }));
        }
        yield_now().await;
        semaphore.add_permits(1).unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(order.lock().unwrap().iter().copied().eq(0..10));
    });
}

#[test]
fn a_greedy_task_never_passes_one_that_waits() {
    TestRuntime::run_seeds(64, |rt| async move {
        // With how often the greedy one got the permit.
        let shared = Arc::new((Semaphore::new(1), AtomicUsize::new(0)));
        let greedy = rt.spawn({
            let shared = Arc::clone(&shared);
            async move {
                for _ in 0..1000 {
                    let permit = shared.0.acquire().await.unwrap();
                    shared.1.fetch_add(1, SeqCst);
                    yield_now().await;
                    drop(permit);
                }
            }
        });
        let (semaphore, got) = &*shared;
        let mut waited = 0;
        while waited < 10 {
            yield_now().await;
            let mut acquire = semaphore.acquire();
            let before = got.load(SeqCst);
            if let Poll::Ready(permit) = Wakes::new().poll(&mut acquire) {
                drop(permit);
                continue;
            }
            waited += 1;
            let permit = acquire.await.unwrap();
            // The one that it had been handed by then, and had not looked at.
            let passed = got.load(SeqCst) - before;
            assert!(passed <= 1, "{passed}");
            drop(permit);
        }
        greedy.await.unwrap();
    });
}

#[test]
fn one_that_wants_much_is_not_starved_by_those_that_want_little() {
    let semaphore = Semaphore::new(2);
    let (one, other) = (
        semaphore.try_acquire().unwrap(),
        semaphore.try_acquire().unwrap(),
    );
    let (mut much, mut little) = (semaphore.acquire_many(2), semaphore.acquire());
    let wakes = [Wakes::new(), Wakes::new()];
    assert!(wakes[0].poll(&mut much).is_pending());
    assert!(wakes[1].poll(&mut little).is_pending());
    drop(one);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        AcquireError::Unavailable
    );
    assert_eq!([wakes[0].count(), wakes[1].count()], [0, 0]);
    assert_eq!(semaphore.statistics().first_wants, Some(2));
    drop(other);
    assert_eq!([wakes[0].count(), wakes[1].count()], [1, 0]);
    let Poll::Ready(Ok(both)) = wakes[0].poll(&mut much) else {
        panic!("it was granted")
    };
    drop(both);
    assert!(wakes[1].poll(&mut little).is_ready());
}

#[test]
fn when_one_that_wants_much_leaves_those_behind_it_go_on_at_once() {
    let semaphore = Semaphore::new(1);
    let (mut much, mut little) = (semaphore.acquire_many(5), semaphore.acquire());
    let wakes = Wakes::new();
    assert!(Wakes::new().poll(&mut much).is_pending());
    assert!(wakes.poll(&mut little).is_pending());
    drop(much);
    assert_eq!(wakes.count(), 1);
    assert!(wakes.poll(&mut little).is_ready());
}

#[test]
fn an_acquire_that_is_dropped_anywhere_loses_no_permit() {
    drop_after_every_poll(|rt, cut| async move {
        let semaphore = Arc::new(Semaphore::new(3));
        let busy = among_others(&rt, &semaphore);
        yield_now().await;
        drop(cut.apply(semaphore.acquire_many(2)).await);
        busy.await;
        let statistics = semaphore.statistics();
        assert_eq!((statistics.available, statistics.waiting), (3, 0));
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let semaphore = Arc::new(Semaphore::new(3));
        let busy = among_others(&rt, &semaphore);
        yield_now().await;
        let mut acquires = [1, 2, 3].map(|weight| semaphore.acquire_many_arc(weight));
        for acquire in &mut acquires {
            drop(Wakes::new().poll(acquire));
        }
        for acquire in acquires {
            yield_now().await;
            drop(acquire);
        }
        busy.await;
        let statistics = semaphore.statistics();
        assert_eq!((statistics.available, statistics.waiting), (3, 0));
    });
}

/// Three tasks that take and give back; ends when they have.
fn among_others(rt: &Rt, semaphore: &Arc<Semaphore>) -> impl Future<Output = ()> + use<> {
    let tasks = [1, 2, 3].map(|weight| {
        let semaphore = Arc::clone(semaphore);
        rt.spawn(async move {
            for _ in 0..3 {
                let permits = semaphore.acquire_many(weight).await.unwrap();
                yield_now().await;
                drop(permits);
            }
        })
    });
    async {
        for task in tasks {
            task.await.unwrap();
        }
    }
}

#[test]
fn a_permit_that_was_granted_and_not_taken_goes_to_the_next() {
    let semaphore = Semaphore::new(0);
    let (mut leaves, mut stays) = (semaphore.acquire(), semaphore.acquire());
    let wakes = [Wakes::new(), Wakes::new()];
    assert!(wakes[0].poll(&mut leaves).is_pending());
    assert!(wakes[1].poll(&mut stays).is_pending());
    semaphore.add_permits(1).unwrap();
    assert_eq!([wakes[0].count(), wakes[1].count()], [1, 0]);
    drop(leaves);
    assert_eq!(wakes[1].count(), 1);
    assert!(wakes[1].poll(&mut stays).is_ready());
}

#[test]
fn zero_permits_are_always_there() {
    let semaphore = Semaphore::new(0);
    let mut waits = semaphore.acquire();
    assert!(Wakes::new().poll(&mut waits).is_pending());
    assert_eq!(block_on(semaphore.acquire_many(0)).unwrap().permits(), 0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().permits(), 0);
}

#[test]
fn numbers_that_cannot_be_are_errors_and_never_wrap() {
    const MAX: usize = Semaphore::MAX_PERMITS;
    let semaphore = Semaphore::new(usize::MAX);
    assert_eq!(semaphore.available_permits(), MAX);
    let too_many = AcquireError::TooMany { wanted: 1 };
    assert_eq!(semaphore.add_permits(1), Err(too_many));
    let all = semaphore.try_acquire_many(MAX).unwrap();
    // Those that are held exist as well.
    assert_eq!(semaphore.add_permits(1), Err(too_many));
    assert_eq!(
        semaphore.add_permits(usize::MAX),
        Err(AcquireError::TooMany { wanted: usize::MAX })
    );
    let wanted = MAX + 1;
    assert_eq!(
        block_on(semaphore.acquire_many(wanted)).unwrap_err(),
        AcquireError::TooMany { wanted }
    );
    assert_eq!(
        semaphore.try_acquire_many(wanted).unwrap_err(),
        AcquireError::TooMany { wanted }
    );
    all.forget();
    assert_eq!(semaphore.statistics().total, 0);
    semaphore.add_permits(MAX).unwrap();
    assert_eq!(semaphore.available_permits(), MAX);
}

#[test]
fn guards_split_and_forget() {
    let semaphore = Arc::new(Semaphore::new(4));
    let mut all = semaphore.try_acquire_many_arc(4).unwrap();
    assert!(all.split(5).is_none());
    let one = all.split(1).unwrap();
    assert_eq!((all.permits(), one.permits()), (3, 1));
    all.forget();
    drop(one);
    let statistics = semaphore.statistics();
    assert_eq!((statistics.total, statistics.available), (1, 1));
    let mut last = semaphore.try_acquire().unwrap();
    assert!(last.split(2).is_none());
    let split = last.split(1).unwrap();
    assert_eq!((last.permits(), split.permits()), (0, 1));
    drop(last);
    assert_eq!(semaphore.available_permits(), 0);
    split.forget();
    assert_eq!(semaphore.statistics().total, 0);
}

#[test]
fn the_waker_of_the_last_poll_is_woken_and_no_other() {
    let semaphore = Semaphore::new(0);
    let mut acquire = semaphore.acquire();
    let wakes = [(); 3].map(|()| Wakes::new());
    for one in &wakes {
        assert!(one.poll(&mut acquire).is_pending());
        assert!(one.poll(&mut acquire).is_pending());
    }
    assert_eq!(semaphore.statistics().waiting, 1);
    semaphore.add_permits(2).unwrap();
    assert_eq!(wakes.each_ref().map(|one| one.count()), [0, 0, 1]);
    assert!(wakes[0].poll(&mut acquire).is_ready());
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
#[should_panic(expected = "polled after it had ended")]
fn polling_after_the_end_says_so() {
    let semaphore = Semaphore::new(9);
    let mut acquire = semaphore.acquire();
    assert!(Wakes::new().poll(&mut acquire).is_ready());
    let _ = Wakes::new().poll(&mut acquire);
}

/// Would lock up if a lock were held while wakers are woken or dropped.
#[test]
fn wakers_may_do_what_they_like() {
    let semaphore = Arc::new(Semaphore::new(0));
    let meddler = || {
        let semaphore = Arc::clone(&semaphore);
        Arc::new(Meddler(move || {
            drop(semaphore.try_acquire());
            assert!(semaphore.statistics().waiting < 10);
        }))
    };
    let mut replaced = semaphore.acquire();
    assert!(poll_with(&mut replaced, meddler()).is_pending());
    assert!(poll_with(&mut replaced, meddler()).is_pending());
    let mut left = semaphore.acquire();
    assert!(poll_with(&mut left, meddler()).is_pending());
    drop(left);
    semaphore.add_permits(1).unwrap();
    let permit = poll_with(&mut replaced, meddler());
    assert!(permit.is_ready());
    let mut closed = semaphore.acquire();
    assert!(poll_with(&mut closed, meddler()).is_pending());
    semaphore.close();
    assert!(poll_with(&mut closed, meddler()).is_ready());
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("boo");
        }
    }
    for panics_at in 0..3 {
        let semaphore = Semaphore::new(0);
        let wakes = Wakes::new();
        let mut acquires = [(); 3].map(|()| semaphore.acquire());
        for (nth, acquire) in acquires.iter_mut().enumerate() {
            let polled = match nth == panics_at {
                true => poll_with(acquire, Arc::new(Panics)),
                false => wakes.poll(acquire),
            };
            assert!(polled.is_pending());
        }
        let caught = catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(3)));
        assert!(caught.is_err());
        assert_eq!(wakes.count(), 2);
        for acquire in &mut acquires {
            assert!(wakes.poll(acquire).is_ready());
        }
        assert_eq!(semaphore.available_permits(), 3);
    }
}

#[test]
fn each_permit_wakes_one_however_many_wait() {
    let semaphore = Semaphore::new(0);
    let wakes = Wakes::new();
    let mut acquires: Vec<Acquire<'_>> = (0..5000).map(|_| semaphore.acquire()).collect();
    for acquire in &mut acquires {
        assert!(wakes.poll(acquire).is_pending());
    }
    for (nth, acquire) in acquires.iter_mut().enumerate() {
        assert_eq!(wakes.count(), nth);
        semaphore.add_permits(1).unwrap();
        assert_eq!(wakes.count(), nth + 1);
        let Poll::Ready(Ok(permit)) = wakes.poll(acquire) else {
            panic!("it was granted")
        };
        permit.forget();
    }
}

#[test]
fn acquiring_allocates_nothing() {
    let semaphore = Semaphore::new(1);
    let wakes = Wakes::new();
    let uncontended = measure(|| {
        for _ in 0..100 {
            drop(semaphore.try_acquire().unwrap());
            assert!(wakes.poll(&mut semaphore.acquire()).is_ready());
        }
    });
    assert_eq!(uncontended.count_total, 0);
    let wait = || {
        let held = semaphore.try_acquire().unwrap();
        wakes.check_turns([(); 8].map(|()| semaphore.acquire()), held);
    };
    wait();
    let contended = measure(|| (0..100).for_each(|_| wait()));
    assert_eq!(contended.count_total, 0);
}

#[test]
fn a_burst_of_waiters_gives_its_memory_back() {
    let semaphore = Semaphore::new(0);
    let wakes = Wakes::new();
    let burst = measure(|| {
        let mut acquires: Vec<_> = (0..100_000).map(|_| semaphore.acquire()).collect();
        for acquire in &mut acquires {
            assert!(wakes.poll(acquire).is_pending());
        }
    });
    assert!(burst.bytes_max > 1_000_000);
    assert!(burst.bytes_current < 100_000, "{}", burst.bytes_current);
}
