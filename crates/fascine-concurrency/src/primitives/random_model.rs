//! Whole primitives under random schedules, each with some tasks that give up in between.

use std::collections::BTreeSet;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::thread;

use crate::{
    Barrier, Borrower, CapacityLimiter, Condition, Event, GetError, Lock, OnceCell, PutError,
    Queue, Semaphore,
};

/// Runs a model under many schedules: random ones, and such that starve a thread for long.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let model = Arc::new(model);
    let again = Arc::clone(&model);
    shuttle::check_random(move || model(), 5000);
    shuttle::check_pct(move || again(), 1000, 3);
}

/// Starts a thread for each number and waits until all of them have ended.
fn threads<S: Send + Sync + 'static>(shared: &Arc<S>, count: usize, work: fn(&S, usize)) {
    let threads: Vec<_> = (0..count)
        .map(|nth| {
            let shared = Arc::clone(shared);
            thread::spawn(move || work(&shared, nth))
        })
        .collect();
    for one in threads {
        one.join().expect("a panic in a thread ends the model");
    }
}

/// Polls once, lets others run, and drops the future unless it has ended.
fn try_briefly<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    thread::yield_now();
    match polled {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_semaphore_never_lends_too_much_and_gets_all_of_it_back() {
    check(|| {
        let shared = Arc::new((Semaphore::new(3), AtomicUsize::new(0)));
        threads(&shared, 4, |(semaphore, held), nth| {
            let weight = nth % 3 + 1;
            let use_it = || {
                assert!(held.fetch_add(weight, SeqCst) + weight <= 3, "too much");
                thread::yield_now();
                held.fetch_sub(weight, SeqCst);
            };
            let permit = block_on(semaphore.acquire_many(weight)).unwrap();
            use_it();
            drop(permit);
            if let Some(permit) = try_briefly(semaphore.acquire_many(weight)) {
                use_it();
                drop(permit);
            }
            let permit = block_on(semaphore.acquire_many(weight)).unwrap();
            use_it();
            drop(permit);
        });
        assert_eq!(shared.0.available_permits(), 3);
        assert_eq!(shared.0.statistics().waiting, 0);
    });
}

#[test]
fn closing_a_semaphore_leaves_nobody_waiting() {
    check(|| {
        let shared = Arc::new(Semaphore::new(1));
        threads(&shared, 4, |semaphore, nth| {
            if nth == 0 {
                semaphore.close();
            } else if let Ok(permit) = block_on(semaphore.acquire()) {
                thread::yield_now();
                drop(permit);
            }
        });
        assert_eq!(shared.available_permits(), 1);
    });
}

#[test]
fn a_lock_has_one_holder_at_a_time() {
    check(|| {
        let shared = Arc::new(Lock::new(0));
        threads(&shared, 4, |lock, nth| {
            let add = |value: &mut usize| {
                let before = *value;
                thread::yield_now();
                *value = before + 1;
            };
            if nth == 3 {
                drop(try_briefly(lock.lock()));
            }
            add(&mut block_on(lock.lock()));
            add(&mut block_on(lock.lock()));
        });
        assert_eq!(*shared.try_lock().unwrap(), 8);
    });
}

#[test]
fn an_event_wakes_all_that_wait() {
    check(|| {
        let shared = Arc::new(Event::new());
        threads(&shared, 5, |event, nth| match nth {
            0 => assert!(event.set()),
            1 => drop(try_briefly(event.wait())),
            _ => block_on(event.wait()),
        });
        assert_eq!(shared.waiting(), 0);
    });
}

#[test]
fn a_notification_reaches_somebody_who_stays() {
    check(|| {
        let shared = Arc::new((Lock::new(0), Condition::new()));
        threads(&shared, 5, |(lock, changed), nth| match nth {
            0 => {
                for _ in 0..2 {
                    *block_on(lock.lock()) += 1;
                    changed.notify(1);
                }
            }
            // Those that give up pass on what they were told.
            1 | 2 => {
                let guard = block_on(lock.lock());
                drop(try_briefly(changed.wait(guard)));
            }
            _ => {
                let mut count = block_on(async {
                    let guard = lock.lock().await;
                    changed.wait_while(guard, |count| *count == 0).await
                });
                *count -= 1;
            }
        });
        assert_eq!(*shared.0.try_lock().unwrap(), 0);
        assert_eq!(shared.1.waiting(), 0);
    });
}

#[test]
fn what_is_put_into_a_queue_is_got_once() {
    for capacity in [0, 1, 2] {
        check(move || {
            let queue = Queue::with_capacity(capacity);
            let shared = Arc::new((queue, AtomicUsize::new(0), Lock::new(BTreeSet::new())));
            threads(&shared, 5, |(queue, done, got), nth| match nth {
                0 | 1 => {
                    for item in [nth * 10, nth * 10 + 1] {
                        block_on(queue.put(item)).unwrap();
                    }
                    // The last producer closes.
                    if done.fetch_add(1, SeqCst) == 1 {
                        queue.close();
                    }
                }
                2 => {
                    if let Some(Ok(item)) = try_briefly(queue.get()) {
                        assert!(block_on(got.lock()).insert(item), "{item} twice");
                    }
                }
                _ => {
                    while let Ok(item) = block_on(queue.get()) {
                        assert!(block_on(got.lock()).insert(item), "{item} twice");
                    }
                }
            });
            // An item that came back after the others had been told that there are no more.
            let mut got = shared.2.try_lock().unwrap();
            while let Ok(item) = shared.0.try_get() {
                assert!(got.insert(item), "{item} twice");
            }
            assert_eq!(shared.0.try_get(), Err(GetError::Closed));
            assert!(got.iter().copied().eq([0, 1, 10, 11]), "lost: {got:?}");
        });
    }
}

#[test]
fn closing_a_queue_gives_each_item_to_one_side() {
    check(|| {
        let shared = Arc::new((Queue::with_capacity(1), AtomicUsize::new(0)));
        threads(&shared, 4, |(queue, seen), nth| match nth {
            0 => {
                seen.fetch_add(queue.close_now().len(), SeqCst);
            }
            1 => {
                while block_on(queue.get()).is_ok() {
                    seen.fetch_add(1, SeqCst);
                }
            }
            _ => match block_on(queue.put(nth)) {
                Ok(()) => {}
                Err(PutError::Closed(item)) => {
                    assert_eq!(item, nth);
                    seen.fetch_add(1, SeqCst);
                }
                Err(PutError::Full(_)) => unreachable!("it waits for room"),
            },
        });
        assert_eq!(shared.1.load(SeqCst), 2);
    });
}

#[test]
fn each_round_of_a_barrier_has_one_leader() {
    check(|| {
        let barrier = Barrier::new(NonZeroUsize::new(4).unwrap());
        let shared = Arc::new((barrier, AtomicUsize::new(0)));
        threads(&shared, 4, |(barrier, leaders), _| {
            for _ in 0..3 {
                let result = block_on(barrier.wait());
                leaders.fetch_add(usize::from(result.is_leader()), SeqCst);
            }
        });
        assert_eq!(shared.1.load(SeqCst), 3);
        assert_eq!(shared.0.waiting(), 0);
    });
}

#[test]
fn who_leaves_a_barrier_has_arrived_or_has_not() {
    check(|| {
        let barrier = Barrier::new(NonZeroUsize::new(2).unwrap());
        let barrier: &'static Barrier = Box::leak(Box::new(barrier));
        let mut leaves = barrier.wait();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut leaves).poll(&mut cx).is_pending());
        let leaving = thread::spawn(move || drop(leaves));
        let mut stays = barrier.wait();
        let went_on = Pin::new(&mut stays).poll(&mut cx).is_ready();
        leaving.join().unwrap();
        assert_eq!(barrier.waiting(), usize::from(!went_on));
    });
}

#[test]
fn a_cell_is_filled_once_though_the_first_may_give_up() {
    check(|| {
        let shared = Arc::new((OnceCell::new(), AtomicUsize::new(0)));
        threads(&shared, 4, |(cell, made), nth| {
            let make = || async move {
                shuttle::future::yield_now().await;
                made.fetch_add(1, SeqCst);
                nth
            };
            if nth == 0 {
                let _ = try_briefly(cell.get_or_init(make));
            } else {
                block_on(cell.get_or_init(make));
            }
        });
        assert_eq!(shared.1.load(SeqCst), 1);
        assert!(shared.0.get().is_some());
    });
}

#[test]
fn a_limiter_whose_total_changes_admits_everybody_in_the_end() {
    check(|| {
        let shared = Arc::new(CapacityLimiter::new(2));
        threads(&shared, 5, |limiter, nth| match nth {
            0 => {
                limiter.set_total(0);
                thread::yield_now();
                limiter.set_total(1);
                limiter.set_total(3);
            }
            1 => drop(try_briefly(limiter.acquire_many(3))),
            _ => {
                let borrower = Borrower::from(nth as u64 % 2);
                let weight = nth - 1;
                // Two of them are the same borrower: one may be refused.
                match block_on(limiter.acquire_many_on_behalf_of(borrower, weight)) {
                    Ok(guard) => {
                        thread::yield_now();
                        drop(guard);
                    }
                    Err(error) => assert!(!error.is_retryable()),
                }
            }
        });
        let statistics = shared.statistics();
        assert_eq!((statistics.borrowed, statistics.waiting), (0, 0));
        assert_eq!(statistics.borrowers, []);
    });
}
