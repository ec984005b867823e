//! Groups that live long.

use std::future::pending;
use std::num::NonZeroUsize;

use fascine::concurrency::{ChildError, TaskGroup};
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// The most memory that so many rounds of a thousand children hold at once.
fn peak(rounds: usize) -> u64 {
    let measured = allocation_counter::measure(|| {
        TestRuntime::run(|rt| async move {
            let group = TaskGroup::<[u8; 100], [u8; 100]>::new(&rt)
                .supervised()
                .discarding();
            for _ in 0..rounds {
                for n in 0..1000 {
                    let clock = rt.clone();
                    group.spawn(async move {
                        clock.sleep(ms(1)).await;
                        if n % 2 == 0 {
                            Ok([0; 100])
                        } else {
                            Err([0; 100])
                        }
                    });
                }
                rt.sleep(ms(5)).await;
                assert_eq!(group.running(), 0);
            }
            let errors = group.join().await.unwrap_err();
            assert_eq!((errors.others.len(), errors.len()), (100, rounds * 500));
        });
    });
    measured.bytes_max
}

#[test]
fn a_discarding_group_does_not_grow() {
    let (few, many) = (peak(2), peak(40));
    // The test runtime's own tables may double once; a word for each child would add a third.
    assert!(many <= few + few / 4, "{few} bytes, then {many}");
}

#[test]
fn slots_of_children_that_have_ended_are_used_again() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), ()>::new(&rt).discarding();
        for _ in 0..10_000 {
            let clock = rt.clone();
            group.spawn(async move {
                clock.sleep(ms(1)).await;
                Ok(())
            });
            rt.sleep(ms(1)).await;
        }
        assert!(group.running() <= 2);
        assert_eq!(group.len(), 10_000);
        assert_eq!(group.join().await.unwrap(), []);
    });
}

#[test]
fn a_hundred_thousand_children_end_together() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), &str>::new(&rt);
        for _ in 0..100_000 {
            group.spawn(async { pending().await });
        }
        group.spawn(async { Err("no") });
        let errors = group.join().await.unwrap_err();
        assert!(matches!(errors.first, ChildError::Failed("no")));
        assert_eq!(errors.len(), 1);
    });
}

#[test]
fn a_limit_far_above_what_is_needed_costs_nothing() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<u8, ()>::new(&rt).with_limit(NonZeroUsize::MAX);
        group.spawn(async { Ok(1) });
        assert_eq!(group.join().await.unwrap(), [1]);
    });
}

#[test]
fn a_group_that_discards_late_keeps_the_failures_that_came_before() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<u8, &str>::new(&rt).supervised();
        group.spawn(async { Ok(1) });
        group.spawn(async { Err("early") });
        rt.sleep(ms(1)).await;
        let errors = group.discarding().join().await.unwrap_err();
        assert!(matches!(errors.first, ChildError::Failed("early")));
    });
}

/// An error that looks at its group when it is dropped would wait for ever for a lock that its group holds.
#[test]
fn errors_that_are_not_kept_are_dropped_outside_the_groups_lock() {
    struct Looks(
        fascine::concurrency::GroupHandle,
        fascine::concurrency::Spawner<(), Self>,
    );
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = self.0.reason();
            let _ = self.1.try_spawn(async { Ok(()) });
            self.0.cancel();
        }
    }
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), Looks>::new(&rt).supervised().discarding();
        for _ in 0..110 {
            let looks = Looks(group.handle(), group.spawner());
            group.spawn(async move { Err(looks) });
        }
        rt.sleep(ms(1)).await;
        assert_eq!(group.running(), 0);
        drop(group);
    });
}
