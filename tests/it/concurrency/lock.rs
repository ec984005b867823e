use std::cell::Cell;
use std::sync::Arc;
use std::task::Poll;

use allocation_counter::measure;
use fascine::concurrency::{Lock, LockGuard, LockGuardArc};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, yield_now};

use super::wakes::{Meddler, Wakes, poll_with};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    one_task_at_a_time_has_the_value,
    a_guard_may_go_to_another_task,
}

async fn one_task_at_a_time_has_the_value(rt: Rt, _: Arc<dyn Net>) {
    let lock = Arc::new(Lock::new(0));
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let lock = Arc::clone(&lock);
            rt.spawn(async move {
                for _ in 0..20 {
                    let mut value = lock.lock().await;
                    let before = *value;
                    yield_now().await;
                    *value = before + 1;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*lock.lock().await, 400);
}

async fn a_guard_may_go_to_another_task(rt: Rt, _: Arc<dyn Net>) {
    let lock = Arc::new(Lock::new(vec![1]));
    let mut guard = lock.lock_arc().await;
    assert!(lock.try_lock().is_none());
    let task = rt.spawn(async move {
        guard.push(2);
        yield_now().await;
        guard
    });
    let guard = task.await.unwrap();
    assert!(Arc::ptr_eq(LockGuardArc::source(&guard), &lock));
    drop(guard);
    assert_eq!(*lock.try_lock_arc().unwrap(), [1, 2]);
}

#[test]
fn a_greedy_task_never_passes_one_that_waits() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let mut waits = lock.lock();
    let wakes = Wakes::new();
    assert!(wakes.poll(&mut waits).is_pending());
    assert_eq!(lock.waiting(), 1);
    drop(held);
    assert_eq!(wakes.count(), 1);
    // It is the other one's, polled or not.
    assert!(lock.try_lock().is_none());
    let mut greedy = lock.lock();
    assert!(Wakes::new().poll(&mut greedy).is_pending());
    let Poll::Ready(guard) = wakes.poll(&mut waits) else {
        panic!("it was handed over")
    };
    drop(guard);
    assert!(Wakes::new().poll(&mut greedy).is_ready());
}

#[test]
fn a_lock_that_is_dropped_anywhere_is_handed_on() {
    let test = |rt: Rt, lock: Arc<Lock<u32>>| {
        let tasks = [(); 3].map(|()| {
            let lock = Arc::clone(&lock);
            rt.spawn(async move {
                let mut value = lock.lock().await;
                yield_now().await;
                *value += 1;
            })
        });
        async {
            for task in tasks {
                task.await.unwrap();
            }
        }
    };
    drop_after_every_poll(|rt, cut| async move {
        let lock = Arc::new(Lock::new(0));
        let others = test(rt, Arc::clone(&lock));
        yield_now().await;
        drop(cut.apply(lock.lock()).await);
        others.await;
        assert_eq!(*lock.try_lock().unwrap(), 3);
    });
    drop_after_every_poll(|rt, cut| async move {
        let lock = Arc::new(Lock::new(0));
        let others = test(rt, Arc::clone(&lock));
        yield_now().await;
        drop(cut.apply(lock.lock_arc()).await);
        others.await;
        assert_eq!(*lock.try_lock().unwrap(), 3);
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let lock = Arc::new(Lock::new(0));
        let others = test(rt, Arc::clone(&lock));
        let mut gives_up = [(); 3].map(|()| lock.lock_arc());
        for one in &mut gives_up {
            drop(Wakes::new().poll(one));
            yield_now().await;
        }
        drop(gives_up);
        others.await;
        assert_eq!(*lock.try_lock().unwrap(), 3);
        assert_eq!(lock.waiting(), 0);
    });
}

#[test]
fn a_panic_of_the_holder_unlocks_and_leaves_the_value() {
    TestRuntime::run(|rt| async move {
        let lock = Arc::new(Lock::new(1));
        let panics = rt.spawn({
            let lock = Arc::clone(&lock);
            async move {
                let mut value = lock.lock().await;
                *value = 2;
                yield_now().await;
                panic!("boo");
            }
        });
        assert!(panics.await.is_err());
        assert_eq!(*lock.lock().await, 2);
    });
}

#[test]
fn it_guards_what_has_no_size_and_what_cannot_be_shared() {
    let cell: Lock<Cell<u32>> = Lock::new(Cell::new(1));
    let shared = &cell;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                let value = block_on(shared.lock());
                value.set(value.get() + 1);
            });
        }
    });
    let mut cell = cell;
    assert_eq!(cell.get_mut().get(), 3);
    let slice: &Lock<[u8]> = &Lock::new([1, 2, 3]);
    assert_eq!(slice.try_lock().unwrap().len(), 3);
    assert_eq!(Lock::from("value").into_inner(), "value");
    assert_eq!(Lock::<u8>::default().into_inner(), 0);
}

#[test]
fn it_shows_the_value_unless_it_is_locked() {
    let lock = Lock::new(7);
    assert_eq!(format!("{lock:?}"), "Lock { value: 7, .. }");
    let guard = lock.try_lock().unwrap();
    assert_eq!(format!("{lock:?}"), "Lock { value: <locked>, .. }");
    assert_eq!(format!("{guard} {guard:?}"), "7 7");
    assert!(std::ptr::eq(LockGuard::source(&guard), &lock));
}

#[test]
#[should_panic(expected = "polled after it had ended")]
fn polling_after_the_end_says_so() {
    let lock = Lock::new(());
    let mut locking = lock.lock();
    drop(Wakes::new().poll(&mut locking));
    drop(Wakes::new().poll(&mut locking));
}

/// Would lock up if the queue were locked while wakers are woken or dropped.
#[test]
fn wakers_may_do_what_they_like() {
    let lock = Arc::new(Lock::new(()));
    let meddler = || {
        let lock = Arc::clone(&lock);
        Arc::new(Meddler(move || {
            drop(lock.try_lock());
            assert!(lock.waiting() < 10);
        }))
    };
    let held = lock.try_lock().unwrap();
    let (mut first, mut second) = (lock.lock(), lock.lock());
    assert!(poll_with(&mut first, meddler()).is_pending());
    assert!(poll_with(&mut first, meddler()).is_pending());
    assert!(poll_with(&mut second, meddler()).is_pending());
    drop(held);
    drop(first);
    assert!(poll_with(&mut second, meddler()).is_ready());
}

#[test]
fn locking_allocates_nothing() {
    let lock = Lock::new(0);
    let wakes = Wakes::new();
    let wait = || {
        let held = lock.try_lock().unwrap();
        wakes.check_turns([(); 8].map(|()| lock.lock()), held);
    };
    wait();
    let counted = measure(|| {
        for _ in 0..100 {
            wait();
            assert!(wakes.poll(&mut lock.lock()).is_ready());
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn what_can_be_sent_is_sent() {
    fn sent(_: impl Send) {}
    fn shared(_: &impl Sync) {}
    let lock = Arc::new(Lock::new(Cell::new(1)));
    shared(&lock);
    sent(lock.lock());
    sent(lock.lock_arc());
    sent(lock.try_lock());
    sent(lock.try_lock_arc());
    shared(&Lock::new(1).try_lock());
}
