//! Every interleaving of an event that happens, and those who wait or leave.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as Flag;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Wake, Waker};

use loom::cell::UnsafeCell;
use loom::thread;

use super::*;

struct Woken(Flag);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

fn leak() -> &'static (Event, UnsafeCell<()>) {
    Box::leak(Box::new((Event::new(), UnsafeCell::new(()))))
}

fn poll(wait: &mut EventWait<'_>, woken: &Arc<Woken>) -> bool {
    let waker = Waker::from(Arc::clone(woken));
    Pin::new(wait)
        .poll(&mut Context::from_waker(&waker))
        .is_ready()
}

#[test]
fn who_sees_it_sees_what_was_done_before() {
    loom::model(|| {
        let (event, cell) = leak();
        let sets = thread::spawn(|| {
            cell.with_mut(|_| ());
            event.set();
        });
        let woken = Arc::new(Woken(Flag::new(false)));
        let mut wait = event.wait();
        let seen = poll(&mut wait, &woken);
        if seen {
            cell.with(|_| ());
        }
        sets.join().unwrap();
        if !seen {
            assert!(woken.0.load(SeqCst), "it sleeps on");
            assert!(poll(&mut wait, &woken));
        }
    });
}

#[test]
fn who_leaves_keeps_nobody_else_asleep() {
    loom::model(|| {
        let (event, _) = leak();
        let woken = [(); 2].map(|()| Arc::new(Woken(Flag::new(false))));
        let (mut leaves, mut stays) = (event.wait(), event.wait());
        assert!(!poll(&mut leaves, &woken[0]));
        assert!(!poll(&mut stays, &woken[1]));
        let sets = thread::spawn(|| event.set());
        let leaving = thread::spawn(move || drop(leaves));
        sets.join().unwrap();
        leaving.join().unwrap();
        assert!(woken[1].0.load(SeqCst), "it sleeps on");
        assert!(poll(&mut stays, &woken[1]));
        assert_eq!(event.waiting(), 0);
    });
}
