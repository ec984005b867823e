use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};

use super::*;

struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

struct Set {
    list: ReadyList,
    links: [Link; 2],
}

impl Set {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            list: ReadyList::new(),
            links: [0, 1].map(Link::new),
        })
    }

    fn wake(self: &Arc<Self>, index: usize) {
        self.list.push(&self.links[index]);
    }

    /// Polls what was woken, as a set of children does, and returns who that was.
    fn poll(&self, parent: &Waker) -> Vec<u32> {
        self.list.register(parent);
        let mut batch = self.list.take(|index| &self.links[index as usize]);
        let mut polled = Vec::new();
        while let Some(index) = batch.peek() {
            batch.advance(&self.links[index as usize]);
            polled.push(index);
        }
        polled
    }
}

fn parent() -> (Arc<Parent>, Waker) {
    let parent = Arc::new(Parent(AtomicUsize::new(0)));
    (Arc::clone(&parent), Waker::from(parent))
}

#[test]
fn no_wake_is_lost_beside_a_poll() {
    loom::model(|| {
        let set = Set::new();
        let (parent, waker) = parent();
        set.list.register(&waker);
        let wakes = [0, 1].map(|index| {
            let set = Arc::clone(&set);
            loom::thread::spawn(move || set.wake(index))
        });
        let seen = set.poll(&waker);
        let woken = parent.0.load(SeqCst);
        for wake in wakes {
            wake.join().unwrap();
        }
        let rest = set.poll(&waker);
        let mut all = [seen, rest.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1], "a wake was lost or doubled");
        // What came after the first poll must have told the parent.
        assert!(
            rest.is_empty() || parent.0.load(SeqCst) > 0,
            "the parent sleeps on"
        );
        assert!(woken <= 2);
    });
}

#[test]
fn a_child_that_is_woken_twice_is_polled_once_and_sees_what_both_wrote() {
    loom::model(|| {
        let set = Set::new();
        let (_, waker) = parent();
        let written = Arc::new([0, 1].map(|_| AtomicU32::new(0)));
        let wakes = [0, 1].map(|thread| {
            let (set, written) = (Arc::clone(&set), Arc::clone(&written));
            loom::thread::spawn(move || {
                written[thread].store(1, Ordering::Relaxed);
                set.wake(0);
            })
        });
        let first = set.poll(&waker);
        let read = || {
            written
                .iter()
                .map(|value| value.load(Ordering::Relaxed))
                .sum::<u32>()
        };
        let at_first = if first.is_empty() { 0 } else { read() };
        for wake in wakes {
            wake.join().unwrap();
        }
        let second = set.poll(&waker);
        assert!(first.len() <= 1 && second.len() <= 1);
        // A wake that found the child on the list leaves no other poll than the one that was coming.
        assert!(
            !second.is_empty() || at_first == 2,
            "a child sleeps on what it has not seen"
        );
    });
}

#[test]
fn the_first_woken_is_the_first_polled() {
    loom::model(|| {
        let set = Set::new();
        let (_, waker) = parent();
        let thread = {
            let set = Arc::clone(&set);
            loom::thread::spawn(move || {
                set.wake(1);
                set.wake(0);
            })
        };
        let mut polled = set.poll(&waker);
        thread.join().unwrap();
        polled.extend(set.poll(&waker));
        assert_eq!(polled, [1, 0]);
    });
}

#[test]
fn a_late_wake_finds_nobody() {
    loom::model(|| {
        let set = Set::new();
        let (parent, waker) = parent();
        set.list.register(&waker);
        drop(waker);
        let thread = {
            let set = Arc::clone(&set);
            loom::thread::spawn(move || set.wake(0))
        };
        set.list.disconnect();
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&parent), 1, "the parent's waker is kept");
        let woken = parent.0.load(SeqCst);
        set.wake(1);
        assert_eq!(parent.0.load(SeqCst), woken);
    });
}
