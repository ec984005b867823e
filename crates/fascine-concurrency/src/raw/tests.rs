//! What the unsafe code does, in steps small enough for an interpreter: `cargo xtask miri` runs these and nothing else.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, yield_now};

use super::{BorrowedLocal, PinnedArray, PinnedSlice, Wakers};
use crate::{Condition, Lock};

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Holds a reference into itself while it waits.
async fn borrows_from_itself(word: String) -> usize {
    let letters: Vec<&str> = word.split("").collect();
    yield_now().await;
    letters.concat().len()
}

#[test]
fn a_borrowed_value_is_lent_and_the_former_one_comes_back() {
    let slot = BorrowedLocal::new();
    let lent = || slot.with(|word: Option<&String>| word.cloned());
    assert_eq!(lent(), None);
    slot.hold(&String::from("outer"), || {
        let panics = || {
            slot.hold(&String::from("inner"), || {
                panic!("on purpose: {lent:?}", lent = lent())
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(lent().as_deref(), Some("outer"));
    });
    assert_eq!(lent(), None);
}

#[test]
fn values_side_by_side_are_polled_and_dropped_where_they_are() {
    let words = ["a", "bc", "def"];
    let mut slice = PinnedSlice::new(words.map(|word| borrows_from_itself(word.to_owned())));
    for index in [2, 0, 1] {
        assert!(poll(slice.at(index)).is_pending());
    }
    // Moving the slice moves no value.
    let mut slice = Box::new(slice);
    assert_eq!(poll(slice.at(1)), Poll::Ready(2));
    assert_eq!(
        slice.iter_mut().take(1).map(poll).next(),
        Some(Poll::Ready(1))
    );
    assert_eq!((slice.len(), slice.as_slice().len()), (3, 3));
    drop(slice);

    let mut array = pin!(PinnedArray::new(
        words.map(|word| borrows_from_itself(word.to_owned()))
    ));
    assert!(poll(array.as_mut().at(2)).is_pending());
    assert!(poll(array.as_mut().at(0)).is_pending());
    assert_eq!(poll(array.as_mut().at(2)), Poll::Ready(3));
}

#[test]
fn whoever_has_the_permit_has_the_value_on_any_thread() {
    let lock = Arc::new(Lock::new(Vec::new()));
    let mut held = lock.try_lock().unwrap();
    let threads: Vec<_> = (0..3)
        .map(|n| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                block_on(async {
                    lock.lock().await.push(n);
                    let mut kept = lock.lock_arc().await;
                    yield_now().await;
                    kept.push(n);
                });
            })
        })
        .collect();
    // One that waits and gives up among them.
    assert!(poll(pin!(lock.lock())).is_pending());
    for _ in 0..20 {
        held.push(9);
        thread::yield_now();
    }
    held.clear();
    drop(held);
    for thread in threads {
        thread.join().unwrap();
    }
    let mut lock = Arc::into_inner(lock).unwrap();
    lock.get_mut().sort_unstable();
    assert_eq!(lock.into_inner(), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_condition_gives_the_value_away_and_has_it_again() {
    let lock = Lock::new(0);
    let changed = Condition::new();
    let mut waits = pin!(async {
        let mut held = lock.lock().await;
        while *held == 0 {
            held = changed.wait(held).await;
        }
        *held += 1;
        *held
    });
    assert!(poll(waits.as_mut()).is_pending());
    *block_on(lock.lock()) = 7;
    changed.notify_all();
    assert_eq!(block_on(waits), 8);
    assert_eq!(lock.try_lock().map(|held| *held), Some(8));
}

/// The children that were woken since, in order.
fn woken<'a>(root: &'a Wakers, of: &'a Wakers) -> Vec<u32> {
    let Some(list) = root.list() else {
        return Vec::new();
    };
    let mut batch = list.take(|index| of.link(index));
    let mut woken = Vec::new();
    while let Some(index) = batch.peek() {
        batch.advance(of.link(index));
        woken.push(index);
    }
    woken
}

#[test]
fn wakers_wake_their_child_from_any_thread_and_may_outlive_the_set() {
    let wakers = Wakers::new(10, 3);
    let kept = wakers.lend(None, |lent| {
        assert!(wakers.list().is_none(), "nothing was cloned or woken yet");
        lent.waker(10).wake_by_ref();
        lent.waker(12).clone()
    });
    assert_eq!(woken(&wakers, &wakers), [10]);
    let other = kept.clone();
    let wakes = thread::spawn(move || {
        other.wake_by_ref();
        other.wake();
    });
    kept.wake();
    wakes.join().unwrap();
    assert_eq!(woken(&wakers, &wakers), [12]);

    let late = wakers.with(11, Waker::clone);
    let later = wakers.with_first(None, 12, Waker::clone);
    let dropped = thread::spawn(move || drop(wakers));
    late.wake_by_ref();
    let clone = late.clone();
    drop(late);
    clone.wake();
    dropped.join().unwrap();
    later.wake();
}

#[test]
fn several_threads_may_make_the_block_during_a_first_poll() {
    let (root, wakers) = (Wakers::new(0, 1), Wakers::new(1, 2));
    wakers.lend(Some(&root), |lent| {
        let waker = lent.waker(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let clone = waker.clone();
                clone.wake();
            });
            scope.spawn(|| waker.wake_by_ref());
        });
    });
    assert_eq!(woken(&root, &wakers), [2]);
    // The list is the root's, and lives as long as any waker.
    let kept = wakers.with(1, Waker::clone);
    drop((root, wakers));
    kept.wake();
}
