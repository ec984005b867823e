use std::time::Duration;

use fascine::resilience::{Backoff, Jitter};
use proptest::prelude::*;

use crate::durations::ms;

#[track_caller]
fn check(backoff: Backoff, expected: &[u64]) {
    let delays: Vec<_> = backoff
        .with_jitter(Jitter::None)
        .with_max(ms(1000))
        .delays(0)
        .take(expected.len())
        .collect();
    let expected: Vec<_> = expected.iter().copied().map(ms).collect();
    assert_eq!(delays, expected);
}

#[test]
fn delays_grow_as_their_name_says_up_to_the_maximum() {
    check(
        Backoff::exponential(ms(100)),
        &[100, 200, 400, 800, 1000, 1000],
    );
    check(
        Backoff::exponential(ms(10)).with_factor(5.0),
        &[10, 50, 250, 1000],
    );
    check(Backoff::constant(ms(300)), &[300, 300, 300]);
    check(Backoff::linear(ms(300)), &[300, 600, 900, 1000]);
    check(
        Backoff::fibonacci(ms(100)),
        &[100, 100, 200, 300, 500, 800, 1000],
    );
    check(Backoff::exponential(ms(5000)), &[1000, 1000]);
    check(Backoff::exponential(ms(0)), &[0, 0, 0]);
}

#[test]
fn the_same_seed_gives_the_same_delays_and_another_call_gives_others() {
    let backoff = Backoff::exponential(ms(1000)).with_seed(7);
    let take = |call| backoff.delays(call).take(5).collect::<Vec<_>>();
    assert_eq!(take(1), take(1));
    assert_ne!(take(1), take(2));
}

#[test]
fn a_factor_that_makes_no_sense_counts_as_one() {
    for factor in [f64::NAN, f64::NEG_INFINITY, -3.0, 0.0, 0.5] {
        check(
            Backoff::exponential(ms(70)).with_factor(factor),
            &[70, 70, 70],
        );
    }
}

#[test]
fn full_jitter_fills_the_whole_range_evenly() {
    let backoff = Backoff::constant(ms(1000)).with_seed(3);
    let mut quarters = [0; 4];
    for call in 0..4000 {
        let delay = backoff.delays(call).next().unwrap();
        quarters[(delay.as_millis() / 250).min(3) as usize] += 1;
    }
    assert!(
        quarters.iter().all(|count| (900..1100).contains(count)),
        "{quarters:?}"
    );
}

fn growths() -> impl Strategy<Value = fn(Duration) -> Backoff> {
    prop_oneof![
        Just(Backoff::exponential as fn(Duration) -> Backoff),
        Just(Backoff::constant as fn(Duration) -> Backoff),
        Just(Backoff::linear as fn(Duration) -> Backoff),
        Just(Backoff::fibonacci as fn(Duration) -> Backoff),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0_u64..5_000_000_000).prop_map(Duration::from_nanos),
        (0_u64..10_000_000).prop_map(Duration::from_secs),
    ]
}

proptest! {
    /// lionagi adds jitter after the cap, backon adds it to the delay: both wait longer than they were told.
    #[test]
    fn no_jitter_exceeds_the_maximum_and_each_keeps_to_its_bounds(
        make in growths(), base in durations(), max in durations(),
        factor in prop_oneof![Just(f64::INFINITY), 0.0..100.0], seed: u64, call: u64,
    ) {
        let of = |jitter| {
            let backoff = make(base).with_factor(factor).with_max(max);
            backoff.with_jitter(jitter).with_seed(seed).delays(call).take(80)
        };
        let mut last = base;
        let rounding = |limit: Duration| limit.saturating_add(limit / 1_000_000) + Duration::from_nanos(1);
        for (whole, (equal, (full, decorrelated))) in
            of(Jitter::None).zip(of(Jitter::Equal).zip(of(Jitter::Full).zip(of(Jitter::Decorrelated))))
        {
            prop_assert!(whole <= max && full <= max && equal <= max && decorrelated <= max);
            prop_assert!(full <= whole && equal <= whole);
            prop_assert!(rounding(equal.min(Duration::MAX / 4)) >= (whole / 2).min(Duration::MAX / 4));
            let upper = last.checked_mul(3).map_or(Duration::MAX, |upper| upper.max(base));
            if upper < Duration::MAX / 4 {
                prop_assert!(decorrelated <= rounding(upper), "{decorrelated:?} after {last:?}");
            }
            last = decorrelated;
        }
    }
}
