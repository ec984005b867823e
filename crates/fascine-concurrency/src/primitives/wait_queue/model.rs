//! Every interleaving of two threads beside the main one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use loom::cell::UnsafeCell;
use loom::thread;

use super::*;
use crate::primitives::ticket::Ticket;

/// Somebody who wants permits.
struct Task {
    ticket: Ticket,
    wanted: usize,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Task {
    fn wants(wanted: usize) -> Self {
        Self {
            ticket: Ticket::Start,
            wanted,
            woken: Arc::new(Woken(AtomicBool::new(false))),
        }
    }

    /// One that waits already.
    fn waiting(queue: &WaitQueue, wanted: usize) -> Self {
        let mut task = Self::wants(wanted);
        assert!(task.poll(queue).is_pending());
        task
    }

    fn poll(&mut self, queue: &WaitQueue) -> Poll<Result<(), Closed>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let cx = Context::from_waker(&waker);
        self.ticket.poll(queue, self.wanted, &cx)
    }

    fn poll_only(&mut self, queue: &WaitQueue) -> Poll<()> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.ticket.poll_only(queue, &Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(SeqCst)
    }

    fn leave(mut self, queue: &WaitQueue) {
        self.ticket.give_up(queue, self.wanted);
    }

    /// Polls again as an executor would: only if it was woken.
    #[track_caller]
    fn end(&mut self, queue: &WaitQueue) -> Result<(), Closed> {
        assert!(self.is_woken(), "it sleeps on");
        match self.poll(queue) {
            Poll::Ready(taken) => taken,
            Poll::Pending => panic!("it was woken for nothing"),
        }
    }
}

fn queue(permits: usize) -> Arc<WaitQueue> {
    Arc::new(WaitQueue::new(permits))
}

fn shared<T>(permits: usize, beside: T) -> Arc<(WaitQueue, T)> {
    Arc::new((WaitQueue::new(permits), beside))
}

fn beside<T: 'static>(
    queue: &Arc<WaitQueue>,
    work: impl FnOnce(&WaitQueue) -> T + 'static,
) -> thread::JoinHandle<T> {
    let queue = Arc::clone(queue);
    thread::spawn(move || work(&queue))
}

#[test]
fn what_is_given_back_reaches_who_comes_at_the_same_time() {
    loom::model(|| {
        let queue = queue(1);
        assert!(queue.try_take(1).is_ok());
        let comes = beside(&queue, |queue| {
            let mut task = Task::wants(1);
            let taken = task.poll(queue).is_ready();
            (task, taken)
        });
        queue.give_back(1);
        let (mut task, taken) = comes.join().unwrap();
        if !taken {
            assert_eq!(task.end(&queue), Ok(()));
        }
        assert_eq!(queue.available(), 0);
        queue.give_back(1);
        assert_eq!(queue.glance().available, 1);
        assert_eq!(queue.glance().waiting, 0);
    });
}

/// As a lock does it. Loom checks that no two touch the cell without one happening before the other.
#[test]
fn a_holder_sees_what_the_one_before_it_did() {
    loom::model(|| {
        let shared = shared(1, UnsafeCell::new(()));
        let touch = |(queue, cell): &(WaitQueue, UnsafeCell<()>)| {
            cell.with_mut(|_| ());
            queue.give_back(1);
        };
        assert!(shared.0.try_take_only());
        let others = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let mut task = Task::wants(1);
                let taken = task.poll_only(&shared.0).is_ready();
                if taken {
                    touch(&shared);
                }
                (task, taken)
            })
        });
        touch(&shared);
        let mut waiting: Vec<Task> = others
            .into_iter()
            .map(|other| other.join().unwrap())
            .filter_map(|(task, taken)| (!taken).then_some(task))
            .collect();
        // Whichever of them came first was granted the permit first.
        while !waiting.is_empty() {
            let woken = waiting.iter().position(Task::is_woken);
            let mut next = waiting.remove(woken.expect("all of them sleep on"));
            assert_eq!(next.end(&shared.0), Ok(()));
            touch(&shared);
        }
        assert!(shared.0.try_take_only());
    });
}

/// As a semaphore does it.
#[test]
fn who_takes_sees_what_was_done_before_it_was_given_back() {
    loom::model(|| {
        let shared = shared(0, UnsafeCell::new(()));
        let gives = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.1.with_mut(|_| ());
                shared.0.give_back(2);
            })
        };
        if shared.0.try_take(2).is_ok() {
            shared.1.with(|_| ());
        }
        gives.join().unwrap();
    });
}

#[test]
fn who_is_polled_by_another_task_is_woken_there() {
    loom::model(|| {
        let queue = queue(0);
        let mut task = Task::waiting(&queue, 1);
        let gives = beside(&queue, |queue| queue.give_back(1));
        task.woken = Arc::new(Woken(AtomicBool::new(false)));
        let taken = task.poll(&queue).is_ready();
        gives.join().unwrap();
        if !taken {
            assert_eq!(task.end(&queue), Ok(()));
        }
        assert_eq!(queue.glance().available, 0);
    });
}

#[test]
fn who_leaves_while_it_is_granted_passes_it_on() {
    loom::model(|| {
        let queue = queue(0);
        let leaves = Task::waiting(&queue, 1);
        let mut stays = Task::waiting(&queue, 1);
        let gives = beside(&queue, |queue| queue.give_back(1));
        let leaving = beside(&queue, |queue| leaves.leave(queue));
        gives.join().unwrap();
        leaving.join().unwrap();
        assert_eq!(stays.end(&queue), Ok(()));
        assert_eq!(queue.glance().available, 0);
    });
}

#[test]
fn who_comes_while_the_last_one_leaves_is_not_forgotten() {
    loom::model(|| {
        let queue = queue(0);
        let leaves = Task::waiting(&queue, 1);
        let gives = beside(&queue, |queue| queue.give_back(1));
        leaves.leave(&queue);
        let mut comes = Task::wants(1);
        let taken = comes.poll(&queue).is_ready();
        gives.join().unwrap();
        if !taken {
            assert_eq!(comes.end(&queue), Ok(()));
        }
        assert_eq!(queue.glance().available, 0);
    });
}

#[test]
fn nobody_passes_who_waits() {
    loom::model(|| {
        let queue = queue(0);
        let mut waits = Task::waiting(&queue, 1);
        let gives = beside(&queue, |queue| queue.give_back(1));
        let passes = beside(&queue, |queue| queue.try_take(1));
        assert_eq!(passes.join().unwrap(), Err(Refused::Unavailable));
        gives.join().unwrap();
        assert_eq!(waits.end(&queue), Ok(()));
    });
}

#[test]
fn who_wants_much_and_leaves_lets_the_others_through() {
    loom::model(|| {
        let queue = queue(0);
        let much = Task::waiting(&queue, 3);
        let mut little = Task::waiting(&queue, 1);
        let gives = beside(&queue, |queue| queue.give_back(1));
        let leaving = beside(&queue, |queue| much.leave(queue));
        gives.join().unwrap();
        leaving.join().unwrap();
        assert_eq!(little.end(&queue), Ok(()));
        assert_eq!(queue.glance().available, 0);
    });
}

#[test]
fn permits_of_two_add_up_for_one() {
    loom::model(|| {
        let queue = queue(0);
        let mut wants_two = Task::waiting(&queue, 2);
        let gives = [(); 2].map(|()| beside(&queue, |queue| queue.give_back(1)));
        for one in gives {
            one.join().unwrap();
        }
        assert_eq!(wants_two.end(&queue), Ok(()));
        assert_eq!(queue.glance().available, 0);
    });
}

/// One that gives back may find its permits handed over by another.
#[test]
fn what_both_did_happens_before_who_gets_the_permits_of_both() {
    loom::model(|| {
        let shared = shared(0, [(); 2].map(|()| UnsafeCell::new(())));
        for side in [0, 1] {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.1[side].with_mut(|_| ());
                shared.0.give_back(1);
            });
        }
        let mut task = Task::wants(2);
        while task.poll(&shared.0).is_pending() {
            thread::yield_now();
        }
        for cell in &shared.1 {
            cell.with(|_| ());
        }
    });
}

#[test]
fn closing_tells_who_waits_and_who_comes() {
    loom::model(|| {
        let queue = queue(0);
        let mut waits = Task::waiting(&queue, 1);
        let closes = beside(&queue, WaitQueue::close);
        let comes = beside(&queue, |queue| {
            let mut task = Task::wants(1);
            let ended = task.poll(queue);
            (task, ended)
        });
        assert!(closes.join().unwrap());
        let (mut came, ended) = comes.join().unwrap();
        match ended {
            Poll::Ready(taken) => assert_eq!(taken, Err(Closed)),
            Poll::Pending => assert_eq!(came.end(&queue), Err(Closed)),
        }
        assert_eq!(waits.end(&queue), Err(Closed));
    });
}

#[test]
fn closing_and_giving_back_lose_no_permit() {
    loom::model(|| {
        let queue = queue(0);
        let mut waits = Task::waiting(&queue, 1);
        let closes = beside(&queue, WaitQueue::close);
        let gives = beside(&queue, |queue| queue.give_back(1));
        closes.join().unwrap();
        gives.join().unwrap();
        let left = match waits.end(&queue) {
            Ok(()) => 0,
            Err(Closed) => 1,
        };
        assert_eq!(queue.glance().available, left);
    });
}
