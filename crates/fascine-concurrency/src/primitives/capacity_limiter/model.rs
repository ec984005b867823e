//! Every interleaving of a total that changes, tokens that come back, and waiters that leave.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use loom::thread;

use super::*;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

fn poll<'a>(
    future: &mut Borrow<'a>,
    woken: &Arc<Woken>,
) -> Poll<Result<CapacityGuard<'a>, CapacityError>> {
    let waker = Waker::from(Arc::clone(woken));
    Future::poll(Pin::new(future), &mut Context::from_waker(&waker))
}

fn leak(total: usize) -> &'static CapacityLimiter {
    Box::leak(Box::new(CapacityLimiter::new(total)))
}

#[test]
fn a_token_that_comes_back_pays_the_debt_first() {
    loom::model(|| {
        let limiter = leak(2);
        let one = limiter.try_acquire().unwrap();
        let other = limiter.try_acquire().unwrap();
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let mut waits = Borrow::new(limiter, Wish::of_nobody(1));
        assert!(poll(&mut waits, &woken).is_pending());
        let shrinks = thread::spawn(|| limiter.set_total(1));
        let gives = thread::spawn(move || drop(one));
        shrinks.join().unwrap();
        gives.join().unwrap();
        // Admitted only if the token came back before the total was lowered.
        assert_eq!(limiter.borrowed(), if woken.0.load(SeqCst) { 2 } else { 1 });
        drop(other);
        assert!(woken.0.load(SeqCst), "it sleeps on");
        assert!(poll(&mut waits, &woken).is_ready());
        assert_eq!(limiter.borrowed(), 0);
    });
}

#[test]
fn raising_the_total_wakes_who_waits_though_the_first_one_leaves() {
    loom::model(|| {
        let limiter = leak(0);
        let woken = [(); 2].map(|()| Arc::new(Woken(AtomicBool::new(false))));
        let mut leaves = Borrow::new(limiter, Wish::of(Borrower::from(0), 2));
        let mut stays = Borrow::new(limiter, Wish::of(Borrower::from(1), 1));
        assert!(poll(&mut leaves, &woken[0]).is_pending());
        assert!(poll(&mut stays, &woken[1]).is_pending());
        let raises = thread::spawn(|| limiter.set_total(2));
        let leaving = thread::spawn(move || drop(leaves));
        raises.join().unwrap();
        leaving.join().unwrap();
        assert!(woken[1].0.load(SeqCst), "it sleeps on");
        let Poll::Ready(Ok(guard)) = poll(&mut stays, &woken[1]) else {
            panic!("it was woken for nothing");
        };
        assert_eq!(limiter.statistics().borrowers, [Borrower::from(1)]);
        drop(guard);
        assert_eq!(limiter.borrowed(), 0);
    });
}

#[test]
fn a_loan_is_given_back_once_by_two_at_a_time() {
    loom::model(|| {
        let limiter = leak(1);
        let borrower = Borrower::from(0);
        let guard = limiter.try_acquire_on_behalf_of(borrower).unwrap();
        let gives = thread::spawn(move || drop(guard));
        let by_name = thread::spawn(move || limiter.release_on_behalf_of(borrower).is_ok());
        gives.join().unwrap();
        by_name.join().unwrap();
        assert_eq!(limiter.borrowed(), 0);
        assert!(limiter.release_on_behalf_of(borrower).is_err());
    });
}
