//! Every interleaving of two threads beside the main one.

use std::task::Poll;

use loom::thread;

use super::modelled::limiter;
use crate::hand::Task;

#[test]
fn who_gives_back_wakes_whoever_came_meanwhile() {
    loom::model(|| {
        let limiter = limiter(1);
        let held = limiter.try_acquire(&[("x", 1)]).expect("it fits");
        let gives_back = thread::spawn(move || drop(held));
        let mut task = Task::new(limiter.acquire(&[("x", 1)]));
        let polled = task.poll();
        gives_back.join().expect("it does not panic");
        let granted = match polled {
            Poll::Ready(granted) => granted.expect("it fits"),
            Poll::Pending => task.end().expect("it fits"),
        };
        assert_eq!(limiter.available("x"), Some(0));
        drop(granted);
        assert_eq!(limiter.available("x"), Some(1));
    });
}

#[test]
fn who_leaves_passes_on_what_it_was_just_granted() {
    loom::model(|| {
        let limiter = limiter(1);
        let held = limiter.try_acquire(&[("x", 1)]).expect("it fits");
        let first = Task::waiting(limiter.acquire(&[("x", 1)]));
        let second = Task::waiting(limiter.acquire(&[("x", 1)]));
        let gives_back = thread::spawn(move || drop(held));
        let leaves = thread::spawn(move || drop(first));
        gives_back.join().expect("it does not panic");
        leaves.join().expect("it does not panic");
        drop(second.end().expect("it fits"));
        assert_eq!((limiter.available("x"), limiter.waiting()), (Some(1), 0));
    });
}

#[test]
fn a_waiter_that_looks_while_it_is_granted_misses_nothing() {
    loom::model(|| {
        let limiter = limiter(2);
        let held = limiter.try_acquire(&[("x", 2)]).expect("it fits");
        let mut first = Task::waiting(limiter.acquire(&[("x", 1)]));
        let second = Task::waiting(limiter.acquire(&[("x", 1)]));
        let gives_back = thread::spawn(move || drop(held));
        let looks = thread::spawn(move || match first.poll() {
            Poll::Ready(granted) => drop(granted),
            Poll::Pending => drop(first),
        });
        gives_back.join().expect("it does not panic");
        looks.join().expect("it does not panic");
        drop(second.end().expect("it fits"));
        assert_eq!(limiter.available("x"), Some(2));
    });
}

#[test]
fn what_is_spent_on_credit_is_counted_whoever_takes_the_credit_back() {
    loom::model(|| {
        let limiter = limiter(2000);
        // Lends two.
        limiter.try_spend(&[("x", 1)]).expect("it fits");
        let spends = |times: u64, amount| {
            let limiter = limiter.clone();
            thread::spawn(move || -> u64 {
                let spent = (0..times).map(|_| limiter.try_spend(&[("x", amount)]).is_ok());
                amount * spent.map(u64::from).sum::<u64>()
            })
        };
        let (small, large) = (spends(2, 1), spends(1, 998));
        let small = small.join().expect("it does not panic");
        let large = large.join().expect("it does not panic");
        let spent = 1 + small + large;
        assert_eq!(limiter.available("x"), Some(2000 - spent));
    });
}

#[test]
fn nobody_spends_credit_past_a_waiter() {
    loom::model(|| {
        let limiter = limiter(2000);
        // Lends two.
        limiter.try_spend(&[("x", 1)]).expect("it fits");
        let spender = limiter.clone();
        let spends = thread::spawn(move || spender.try_spend(&[("x", 1)]).is_ok());
        let mut task = Task::new(limiter.acquire(&[("x", 1999)]));
        let polled = task.poll();
        let spent = spends.join().expect("it does not panic");
        // Whoever was first, the other one waits or is refused.
        match polled {
            Poll::Ready(granted) => {
                assert!(!spent);
                drop(granted);
                assert_eq!(limiter.available("x"), Some(1999));
            }
            Poll::Pending => {
                assert!(limiter.try_spend(&[("x", 1)]).is_err());
                assert_eq!(limiter.waiting(), 1);
            }
        }
    });
}
