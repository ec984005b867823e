//! Groups under many random schedules.

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use fascine_rt::{BoxFuture, Rt, Runtime};
use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use shuttle::{check_random, future, thread};

use crate::{CancelScope, ChildError, StartError, TaskGroup, shield};

/// Each task is one of the checker's.
#[derive(Debug)]
struct Shuttle;

impl Runtime for Shuttle {
    fn spawn(&self, future: BoxFuture<()>) {
        drop(future::spawn(future));
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
        Box::pin(pending()) // No time passes here.
    }

    #[expect(clippy::disallowed_methods, reason = "nothing depends on it")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(thread::spawn(work));
    }
}

/// Counts itself while it lives.
struct Living(Arc<AtomicUsize>);

impl Living {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn check(model: impl Fn(Rt, Arc<AtomicUsize>) + Send + Sync + 'static) {
    check_random(
        move || {
            let alive = Arc::new(AtomicUsize::new(0));
            model(Rt::new(Shuttle), Arc::clone(&alive));
            assert_eq!(alive.load(SeqCst), 0, "a child outlived its group");
        },
        SCHEDULES,
    );
}

#[test]
fn a_failure_ends_everybody_before_join_returns() {
    check(|rt, alive| {
        let group = TaskGroup::<(), u32>::new(&rt);
        for n in 0..4 {
            let living = Living::new(&alive);
            group.spawn(async move {
                let _living = living;
                if n == 2 { Err(n) } else { pending().await }
            });
        }
        let errors = future::block_on(group.join()).unwrap_err();
        assert!(matches!(errors.first, ChildError::Failed(2)));
        assert!(errors.others.is_empty());
        assert_eq!(alive.load(SeqCst), 0);
    });
}

#[test]
fn cancelling_races_with_everything() {
    check(|rt, alive| {
        let group = TaskGroup::<u32, ()>::new(&rt);
        let handle = group.handle();
        let canceller = thread::spawn(move || handle.cancel());
        for n in 0..3 {
            let living = Living::new(&alive);
            group.spawn(async move {
                let _living = living;
                shield(future::yield_now()).await;
                future::yield_now().await;
                Ok(n)
            });
        }
        match future::block_on(group.join()) {
            Ok(outputs) => assert_eq!(outputs, [0, 1, 2]),
            Err(errors) => assert!(matches!(errors.first, ChildError::Cancelled)),
        }
        canceller.join().unwrap();
    });
}

#[test]
fn a_limit_holds_and_everybody_has_a_turn() {
    check(|rt, alive| {
        let group = TaskGroup::<u32, ()>::new(&rt).with_limit(NonZeroUsize::new(2).unwrap());
        for n in 0..5 {
            let alive = Arc::clone(&alive);
            group.spawn(async move {
                let _living = Living::new(&alive);
                assert!(alive.load(SeqCst) <= 2);
                future::yield_now().await;
                Ok(n)
            });
        }
        assert_eq!(future::block_on(group.join()).unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn those_who_wait_for_room_get_it_or_are_told() {
    check(|rt, alive| {
        let group = TaskGroup::<(), ()>::new(&rt).with_limit(NonZeroUsize::new(1).unwrap());
        let handle = group.handle();
        let canceller = thread::spawn(move || handle.cancel());
        let others: Vec<_> = (0..2)
            .map(|n| {
                let (spawner, alive) = (group.spawner(), Arc::clone(&alive));
                thread::spawn(move || {
                    let child = async move {
                        let _living = Living::new(&alive);
                        assert_eq!(alive.load(SeqCst), 1, "more than the limit");
                        future::yield_now().await;
                        Ok(())
                    };
                    if n == 0 {
                        let _ = future::block_on(spawner.spawn_when_free(child));
                    } else {
                        let _ = spawner.spawn(child);
                    }
                })
            })
            .collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        let _ = future::block_on(group.join());
        canceller.join().unwrap();
    });
}

#[test]
fn a_late_child_is_waited_for_or_refused() {
    check(|rt, alive| {
        let group = TaskGroup::<u32, ()>::new(&rt);
        let spawner = group.spawner();
        let late = Living::new(&alive);
        let other = thread::spawn(move || {
            let child = async move {
                let _late = late;
                future::yield_now().await;
                Ok(1)
            };
            spawner.spawn(child).is_ok()
        });
        group.spawn(async { Ok(0) });
        let mut outputs = future::block_on(group.join()).unwrap();
        outputs.sort_unstable(); // Who was spawned first is a race too.
        let expected: &[u32] = if other.join().unwrap() { &[0, 1] } else { &[0] };
        assert_eq!(outputs, expected);
    });
}

#[test]
fn a_start_is_ready_or_cancelled() {
    check(|rt, alive| {
        let group = TaskGroup::<(), ()>::new(&rt);
        let handle = group.handle();
        let canceller = thread::spawn(move || handle.cancel());
        let living = Living::new(&alive);
        let start = group.start(|ready| async move {
            let _living = living;
            future::yield_now().await;
            ready.set(7);
            Ok(())
        });
        assert!(matches!(
            future::block_on(start),
            Ok(7) | Err(StartError::Cancelled)
        ));
        let _ = future::block_on(group.join());
        canceller.join().unwrap();
    });
}

#[test]
fn a_scope_ends_after_the_children_of_its_groups() {
    check(|rt, alive| {
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let canceller = thread::spawn(move || handle.cancel());
        let inside = Arc::clone(&alive);
        let ended = future::block_on(scope.run(async move {
            let group = TaskGroup::<(), ()>::new(&rt);
            for _ in 0..2 {
                let living = Living::new(&inside);
                group.spawn(async move {
                    let _living = living;
                    shield(future::yield_now()).await;
                    pending().await
                });
            }
            group.join().await.map(drop)
        }));
        assert!(ended.is_err());
        assert_eq!(alive.load(SeqCst), 0);
        canceller.join().unwrap();
    });
}

const SCHEDULES: usize = 10_000;
