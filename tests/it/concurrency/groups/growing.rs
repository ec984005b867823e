//! Groups that live long.

use std::future::pending;
use std::num::NonZeroUsize;

use fascine::concurrency::{ChildError, TaskGroup};
use fascine_testing::TestRuntime;

use super::ms;

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
