use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use fascine::concurrency::Wakers;

/// Says that it was woken; the one with the number 2 panics then.
struct Tells {
    number: u32,
    woken: Arc<Mutex<Vec<u32>>>,
}

impl Wake for Tells {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push(self.number);
        assert_ne!(self.number, 2, "on purpose");
    }
}

fn wakers(numbers: [u32; 3], woken: &Arc<Mutex<Vec<u32>>>) -> Wakers {
    let mut wakers = Wakers::default();
    for number in numbers {
        let woken = Arc::clone(woken);
        wakers.push(Waker::from(Arc::new(Tells { number, woken })));
    }
    wakers
}

#[test]
fn all_are_woken_once_in_their_order() {
    let woken = Arc::default();
    let mut wakers = wakers([7, 8, 9], &woken);
    wakers.wake();
    wakers.wake();
    assert_eq!(*woken.lock().unwrap(), [7, 8, 9]);
}

#[test]
fn one_that_panics_keeps_nobody_behind_it_asleep() {
    for numbers in [[2, 3, 4], [1, 2, 3], [0, 1, 2]] {
        let woken = Arc::default();
        let mut wakers = wakers(numbers, &woken);
        assert!(catch_unwind(AssertUnwindSafe(|| wakers.wake())).is_err());
        assert_eq!(*woken.lock().unwrap(), numbers);
    }
}
