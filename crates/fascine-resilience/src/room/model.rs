//! Every interleaving of those that leave, wait and give up: nobody sleeps beside free room, and no place is lost.

use std::sync::Arc;
use std::task::Poll;

use fascine_concurrency::{CapacityGuardArc, CapacityLimiter};
use loom::thread;

use super::Room;
use crate::BulkheadError;
use crate::hand::{self, Task};

/// Room for one, who is inside, and places for so many that wait.
fn full(queue: usize) -> (Room, CapacityGuardArc) {
    let mut room = Room::new(&hand::rt(), Arc::new(CapacityLimiter::new(1)));
    room.set_queue(queue);
    let inside = room.try_enter_arc().expect("there is room for one");
    (room, inside)
}

fn enters(
    room: &Room,
) -> impl Future<Output = Result<CapacityGuardArc, BulkheadError>> + Send + 'static {
    let room = room.clone();
    async move { room.enter_arc().await }
}

#[track_caller]
fn check_empty(room: &Room) {
    assert_eq!((room.running(), room.waiting()), (0, 0));
}

#[test]
fn who_leaves_lets_in_whoever_came_meanwhile() {
    loom::model(|| {
        let (room, inside) = full(1);
        let leaves = thread::spawn(move || drop(inside));
        let mut task = Task::new(enters(&room));
        let entered = match task.poll() {
            Poll::Ready(entered) => entered,
            Poll::Pending => {
                leaves.join().expect("it does not panic");
                drop(task.end().expect("there is a place to wait in"));
                return check_empty(&room);
            }
        };
        leaves.join().expect("it does not panic");
        drop(entered.expect("there is a place to wait in"));
        drop(task);
        check_empty(&room);
    });
}

#[test]
fn who_gives_up_passes_on_the_room_it_was_just_given() {
    loom::model(|| {
        let (room, inside) = full(2);
        let first = Task::waiting(enters(&room));
        let second = Task::waiting(enters(&room));
        let leaves = thread::spawn(move || drop(inside));
        let gives_up = thread::spawn(move || drop(first));
        leaves.join().expect("it does not panic");
        gives_up.join().expect("it does not panic");
        drop(second.end().expect("there are places for both"));
        check_empty(&room);
    });
}

#[test]
fn the_last_place_to_wait_in_goes_to_one_of_two() {
    loom::model(|| {
        let (room, inside) = full(1);
        let comes = || {
            let mut task = Task::new(enters(&room));
            thread::spawn(move || match task.poll() {
                Poll::Ready(entered) => Err(entered.map(drop)),
                Poll::Pending => Ok(task),
            })
        };
        let both = [comes(), comes()].map(|one| one.join().expect("it does not panic"));
        assert_eq!(room.waiting(), 1);
        let refused = BulkheadError::Full {
            running: 1,
            waiting: 1,
        };
        match both {
            [Ok(waits), Err(other)] | [Err(other), Ok(waits)] => {
                assert_eq!(other, Err(refused));
                drop(inside);
                drop(waits.end().expect("it has a place"));
            }
            [Ok(_), Ok(_)] => panic!("both wait in one place"),
            [Err(_), Err(_)] => panic!("the place is lost"),
        }
        check_empty(&room);
    });
}

#[test]
fn a_place_that_is_given_back_while_another_is_taken_is_counted() {
    loom::model(|| {
        let (room, inside) = full(2);
        let first = Task::waiting(enters(&room));
        let gives_up = thread::spawn(move || drop(first));
        let second = Task::waiting(enters(&room));
        gives_up.join().expect("it does not panic");
        assert_eq!(room.waiting(), 1);
        drop(inside);
        drop(second.end().expect("there are places for both"));
        check_empty(&room);
    });
}
