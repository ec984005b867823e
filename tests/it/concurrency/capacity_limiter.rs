use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use allocation_counter::measure;
use fascine::concurrency::{Borrower, CapacityError, CapacityLimiter};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, yield_now};

use super::wakes::{Meddler, Wakes, poll_with};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    no_more_is_borrowed_than_the_total,
}

async fn no_more_is_borrowed_than_the_total(rt: Rt, _: Arc<dyn Net>) {
    let limiter = Arc::new(CapacityLimiter::new(3));
    let held = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..30)
        .map(|nth| {
            let (limiter, held) = (Arc::clone(&limiter), Arc::clone(&held));
            rt.spawn(async move {
                let weight = nth % 3 + 1;
                let guard = limiter.acquire_many(weight).await;
                assert!(held.fetch_add(weight, SeqCst) + weight <= 3);
                yield_now().await;
                held.fetch_sub(weight, SeqCst);
                drop(guard);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((limiter.borrowed(), limiter.available()), (0, 3));
}

#[test]
fn shrinking_makes_a_debt_that_is_paid_first() {
    let limiter = CapacityLimiter::new(3);
    let mut guards: Vec<_> = (0..3).map(|_| limiter.try_acquire().unwrap()).collect();
    limiter.set_total(1);
    assert_eq!(
        (limiter.total(), limiter.borrowed(), limiter.available()),
        (1, 3, 0)
    );
    let wakes = Wakes::new();
    let mut waits = Box::pin(limiter.acquire());
    assert!(wakes.poll(&mut waits).is_pending());
    guards.pop();
    guards.pop();
    assert_eq!((limiter.borrowed(), wakes.count()), (1, 0));
    guards.pop();
    assert_eq!((limiter.borrowed(), wakes.count()), (1, 1));
    assert!(wakes.poll(&mut waits).is_ready());
}

#[test]
fn raising_the_total_admits_those_that_wait_in_order() {
    let limiter = CapacityLimiter::new(0);
    let wakes = [(); 3].map(|()| Wakes::new());
    let mut waits: Vec<_> = [2, 1, 1]
        .into_iter()
        .map(|weight| Box::pin(limiter.acquire_many(weight)))
        .collect();
    for (wait, one) in waits.iter_mut().zip(&wakes) {
        assert!(one.poll(wait).is_pending());
    }
    let counts = || wakes.each_ref().map(|one| one.count());
    limiter.set_total(1);
    assert_eq!(counts(), [0, 0, 0]);
    limiter.set_total(3);
    assert_eq!(counts(), [1, 1, 0]);
    limiter.set_total(usize::MAX);
    assert_eq!(counts(), [1, 1, 1]);
    assert_eq!(limiter.borrowed(), 4);
    // Granted, not looked at, dropped: it all comes back.
    drop(waits);
    assert_eq!(limiter.borrowed(), 0);
}

#[test]
fn a_borrower_holds_or_waits_for_one_loan() {
    let limiter = CapacityLimiter::new(1);
    let [first, second] = [Borrower::new(), Borrower::from(0)];
    let none = |borrower| CapacityError::HoldsNone { borrower };
    assert_eq!(limiter.release_on_behalf_of(first), Err(none(first)));
    let guard = limiter.try_acquire_on_behalf_of(first).unwrap();
    assert_eq!((guard.borrower(), guard.weight()), (Some(first), 1));
    let again = limiter.try_acquire_on_behalf_of(first).unwrap_err();
    assert_eq!(again, CapacityError::AlreadyHolds { borrower: first });
    let mut waits = Box::pin(limiter.acquire_on_behalf_of(second));
    let wakes = Wakes::new();
    assert!(wakes.poll(&mut waits).is_pending());
    let again = block_on(limiter.acquire_many_on_behalf_of(second, 0)).unwrap_err();
    assert_eq!(again, CapacityError::AlreadyWaits { borrower: second });
    assert_eq!(limiter.release_on_behalf_of(second), Err(none(second)));
    assert_eq!(limiter.statistics().borrowers, [first]);
    drop(guard);
    assert_eq!(limiter.statistics().borrowers, [second]);
    assert!(matches!(wakes.poll(&mut waits), Poll::Ready(Ok(_))));
    assert_eq!(limiter.statistics().borrowers, []);
    // One that gave up may ask again.
    let held = limiter.try_acquire().unwrap();
    let mut waits = Box::pin(limiter.acquire_on_behalf_of(second));
    assert!(wakes.poll(&mut waits).is_pending());
    drop(waits);
    drop(held);
    assert!(limiter.try_acquire_on_behalf_of(second).is_ok());
}

#[test]
fn what_was_given_back_by_name_is_not_given_back_again_by_its_guard() {
    let limiter = CapacityLimiter::new(5);
    let borrower = Borrower::new();
    let old = limiter.try_acquire_many_on_behalf_of(borrower, 2).unwrap();
    limiter.release_on_behalf_of(borrower).unwrap();
    assert_eq!(limiter.borrowed(), 0);
    let new = limiter.try_acquire_many_on_behalf_of(borrower, 2).unwrap();
    drop(old);
    assert_eq!(limiter.borrowed(), 2);
    new.forget();
    assert_eq!(limiter.borrowed(), 2);
    limiter.release_on_behalf_of(borrower).unwrap();
    assert_eq!(limiter.borrowed(), 0);
}

#[test]
fn a_guard_that_borrows_nothing_gives_back_as_the_other_does() {
    let limiter = Arc::new(CapacityLimiter::new(5));
    let borrower = Borrower::new();
    let two = block_on(limiter.acquire_many_arc(2));
    let three = block_on(limiter.acquire_many_on_behalf_of_arc(borrower, 3)).unwrap();
    assert_eq!((two.weight(), two.borrower()), (2, None));
    assert_eq!((three.weight(), three.borrower()), (3, Some(borrower)));
    let again = block_on(limiter.acquire_many_on_behalf_of_arc(borrower, 1)).unwrap_err();
    assert_eq!(again, CapacityError::AlreadyHolds { borrower });
    drop(two);
    assert_eq!(limiter.borrowed(), 3);
    three.forget();
    assert_eq!(limiter.borrowed(), 3);
    limiter.release_on_behalf_of(borrower).unwrap();
    assert_eq!(limiter.borrowed(), 0);
}

#[test]
fn weights_of_any_size_do_no_harm() {
    let limiter = CapacityLimiter::new(usize::MAX);
    let none = limiter.try_acquire_many(0).unwrap();
    let all = limiter.try_acquire_many(usize::MAX).unwrap();
    assert_eq!(
        limiter.try_acquire().unwrap_err(),
        CapacityError::Unavailable
    );
    let mut waits = Box::pin(limiter.acquire_many(usize::MAX));
    let wakes = Wakes::new();
    assert!(wakes.poll(&mut waits).is_pending());
    // Nothing is always there, for all that others wait.
    assert_eq!(block_on(limiter.acquire_many(0)).weight(), 0);
    drop((none, all));
    assert!(wakes.poll(&mut waits).is_ready());
    limiter.set_total(0);
    assert_eq!(limiter.try_acquire_many(0).unwrap().weight(), 0);
}

#[test]
fn a_wait_that_is_dropped_anywhere_loses_no_token() {
    let others = |rt: &Rt, limiter: &Arc<CapacityLimiter>| {
        let tasks = [1, 2, 3].map(|weight| {
            let limiter = Arc::clone(limiter);
            rt.spawn(async move {
                for _ in 0..3 {
                    let guard = limiter.acquire_many(weight).await;
                    yield_now().await;
                    limiter.set_total(2 + weight);
                    drop(guard);
                    limiter.set_total(3);
                }
            })
        });
        async {
            for task in tasks {
                task.await.unwrap();
            }
        }
    };
    let borrower = Borrower::from(1);
    for form in 0..6 {
        drop_after_every_poll(|rt, cut| async move {
            let limiter = Arc::new(CapacityLimiter::new(3));
            let busy = others(&rt, &limiter);
            yield_now().await;
            let wait = async {
                match form {
                    0 => drop(limiter.acquire().await),
                    1 => drop(limiter.acquire_many(3).await),
                    2 => drop(limiter.acquire_on_behalf_of(borrower).await),
                    3 => drop(limiter.acquire_many_on_behalf_of(borrower, 3).await),
                    4 => drop(limiter.acquire_many_arc(3).await),
                    _ => drop(limiter.acquire_many_on_behalf_of_arc(borrower, 3).await),
                }
            };
            cut.apply(wait).await;
            busy.await;
            let statistics = limiter.statistics();
            assert_eq!((statistics.borrowed, statistics.waiting), (0, 0));
            assert_eq!(statistics.borrowers, []);
        });
    }
    TestRuntime::run_seeds(64, |rt| async move {
        let limiter = Arc::new(CapacityLimiter::new(3));
        let busy = others(&rt, &limiter);
        for weight in 1..4 {
            yield_now().await;
            let mut wait = Box::pin(limiter.acquire_many_on_behalf_of(borrower, weight));
            drop(Wakes::new().poll(&mut wait));
            yield_now().await;
        }
        busy.await;
        let statistics = limiter.statistics();
        assert_eq!((statistics.borrowed, statistics.waiting), (0, 0));
    });
}

#[test]
fn a_greedy_one_never_passes_one_that_waits() {
    let limiter = CapacityLimiter::new(2);
    let held = limiter.try_acquire().unwrap();
    let mut waits = Box::pin(limiter.acquire_many(2));
    let wakes = Wakes::new();
    assert!(wakes.poll(&mut waits).is_pending());
    assert_eq!(
        limiter.try_acquire().unwrap_err(),
        CapacityError::Unavailable
    );
    drop(held);
    assert_eq!(
        limiter.try_acquire().unwrap_err(),
        CapacityError::Unavailable
    );
    assert!(wakes.poll(&mut waits).is_ready());
}

/// Would lock up if a lock were held while wakers are woken or dropped.
#[test]
fn wakers_may_do_what_they_like() {
    let limiter = Arc::new(CapacityLimiter::new(0));
    let meddler = || {
        let limiter = Arc::clone(&limiter);
        Arc::new(Meddler(move || {
            drop(limiter.try_acquire());
            assert!(limiter.statistics().waiting < 10);
        }))
    };
    let mut waits = Box::pin(limiter.acquire());
    assert!(poll_with(&mut waits, meddler()).is_pending());
    assert!(poll_with(&mut waits, meddler()).is_pending());
    let mut leaves = Box::pin(limiter.acquire());
    assert!(poll_with(&mut leaves, meddler()).is_pending());
    drop(leaves);
    limiter.set_total(1);
    assert!(poll_with(&mut waits, meddler()).is_ready());
}

#[test]
fn borrowing_on_nobodys_behalf_allocates_nothing() {
    let limiter = CapacityLimiter::new(1);
    let counted = measure(|| (0..100).for_each(|_| drop(limiter.try_acquire().unwrap())));
    assert_eq!(counted.count_total, 0);
}
