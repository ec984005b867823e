//! What the strategies allow, against models in the most obvious words; with threads, stale clocks, drops and debts.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fascine::resilience::{MemoryStore, Quota, QuotaStore, RateLimiter, Strategy};
use fascine::rt::{BoxFuture, Rt, Runtime};
use fascine_testing::TestRuntime;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use crate::durations::ms;

fn quota(limit: u64, per: Duration, strategy: Strategy) -> Quota {
    Quota::new("x", limit, per).unwrap().with_strategy(strategy)
}

fn bucket(burst: u64) -> Strategy {
    Strategy::TokenBucket {
        burst: NonZeroU64::new(burst).unwrap(),
    }
}

/// How much a strategy may grant in a stretch that is so long, both ends included.
fn allowed(quota: &Quota, length: Duration) -> u64 {
    let flows = |length: Duration| {
        let all = length.as_nanos() * u128::from(quota.limit());
        (all / quota.per().as_nanos()) as u64
    };
    match quota.strategy() {
        Strategy::TokenBucket { burst } => burst.get() + flows(length),
        Strategy::SlidingWindow => {
            let windows = length.as_nanos() / quota.per().as_nanos() + 1;
            quota.limit() * windows as u64
        }
        _ => {
            let cycles = length.as_nanos() / quota.per().as_nanos() + 2;
            quota.limit() * cycles as u64
        }
    }
}

/// Every stretch between two grants holds no more than the strategy allows.
#[track_caller]
fn check(quota: &Quota, granted: &mut [(Instant, u64)]) {
    granted.sort();
    for (first, (begin, _)) in granted.iter().enumerate() {
        let mut sum = 0;
        for (at, amount) in &granted[first..] {
            sum += amount;
            let most = allowed(quota, *at - *begin);
            assert!(
                sum <= most,
                "{sum} of {most} within {:?}: {quota:?}",
                *at - *begin
            );
        }
    }
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![
        Just(Strategy::SlidingWindow),
        Just(Strategy::FixedCycle),
        (1_u64..40).prop_map(bucket),
    ]
}

/// What happens to a store, at a time that may lie before that of the last call.
#[derive(Clone, Debug)]
enum Step {
    Take {
        passes: u64,
        stale: u64,
        amount: u64,
    },
    /// Gives a part of an earlier grant back.
    Undo {
        passes: u64,
        which: usize,
        part: u64,
    },
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    let take = (0_u64..200, 0_u64..300, 1_u64..12).prop_map(|(passes, stale, amount)| Step::Take {
        passes,
        stale,
        amount,
    });
    let undo =
        (0_u64..200, any::<usize>(), 1_u64..12).prop_map(|(passes, which, part)| Step::Undo {
            passes,
            which,
            part,
        });
    prop::collection::vec(prop_oneof![4 => take, 1 => undo], 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_stretch_holds_more_than_its_strategy_allows_whatever_is_given_back_and_however_stale_the_clock(
        limit in 1_u64..40, per in 1_u64..2000, strategy in strategies(), steps in steps(),
    ) {
        let start = TestRuntime::run(|rt| async move { rt.now() });
        let quota = quota(limit, ms(per), strategy);
        let mut store = MemoryStore::new(start, std::slice::from_ref(&quota));
        let (mut now, mut latest) = (start, start);
        // When it was granted, how much of it is left, the ticket.
        let mut granted: Vec<(Instant, u64, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Take { passes, stale, amount } => {
                    now += ms(passes);
                    let told = now.checked_sub(ms(stale)).unwrap_or(now).max(start);
                    let mut ticket = [0];
                    if amount > quota.capacity() {
                        continue;
                    }
                    match store.try_take(told, &[amount], &mut ticket) {
                        Ok(()) => {
                            latest = latest.max(told);
                            granted.push((latest, amount, ticket[0]));
                        }
                        Err(at) => {
                            latest = latest.max(told);
                            prop_assert!(at > latest, "it is told to ask at once");
                            // What it says is true, and the earliest.
                            let mut copy = store.clone();
                            let nano = Duration::from_nanos(1);
                            prop_assert!(copy.try_take(at - nano, &[amount], &mut ticket).is_err());
                            prop_assert!(copy.try_take(at, &[amount], &mut ticket).is_ok());
                        }
                    }
                }
                Step::Undo { passes, which, part } => {
                    now += ms(passes);
                    if let Some(len) = granted.len().checked_sub(1) {
                        let (_, left, ticket) = &mut granted[which % (len + 1)];
                        let part = part.min(*left);
                        *left -= part;
                        store.give_back(now, 0, *ticket, part);
                        latest = latest.max(now);
                    }
                }
            }
        }
        let mut granted: Vec<_> = granted.into_iter().map(|(at, left, _)| (at, left)).collect();
        check(&quota, &mut granted);
    }

    #[test]
    fn a_window_grants_exactly_what_a_naive_log_does_but_for_a_thousandth_of_its_length(
        limit in 1_u64..20,
        arrivals in prop::collection::vec((0_u64..400, 1_u64..6), 1..200),
    ) {
        let start = TestRuntime::run(|rt| async move { rt.now() });
        // Arrivals are further apart than neighbours that are logged as one, or at the same time.
        let per = ms(1000);
        let mut store = MemoryStore::new(start, &[quota(limit, per, Strategy::SlidingWindow)]);
        let mut log: Vec<(Instant, u64)> = Vec::new();
        let mut now = start;
        for (passes, amount) in arrivals {
            now += ms(passes);
            let amount = amount.min(limit);
            log.retain(|(at, _)| *at + per > now);
            let used: u64 = log.iter().map(|(_, amount)| amount).sum();
            let fits = used + amount <= limit;
            let granted = store.try_take(now, &[amount], &mut [0]).is_ok();
            prop_assert_eq!(granted, fits);
            if granted {
                log.push((now, amount));
            }
        }
    }

    #[test]
    fn grants_refunds_debts_and_settlements_always_add_up(
        calls in prop::collection::vec((1_u64..50, 0_u64..80, 0_u8..4), 1..60),
    ) {
        TestRuntime::run(|rt| async move {
            // Nothing comes back by itself.
            let year = Duration::from_secs(365 * 24 * 60 * 60);
            let limiter = RateLimiter::new(&rt, [quota(1000, year, Strategy::SlidingWindow)]).unwrap();
            let mut used = 0;
            let mut held = Vec::new();
            for (reserve, actual, what) in calls {
                let Ok(reserved) = limiter.try_acquire(&[("x", reserve)]) else {
                    assert!(used + reserve > 1000);
                    continue;
                };
                used += reserve;
                match what {
                    0 => {
                        drop(reserved);
                        used -= reserve;
                    }
                    1 => reserved.commit(),
                    2 => {
                        reserved.settle(&[("x", actual)]).unwrap();
                        used = used - reserve + actual;
                    }
                    _ => held.push((reserved, reserve)),
                }
                assert_eq!(limiter.available("x"), Some(1000_u64.saturating_sub(used)));
            }
            for (reserved, reserve) in held {
                drop(reserved);
                used -= reserve;
            }
            assert_eq!(limiter.available("x"), Some(1000_u64.saturating_sub(used)));
        });
    }
}

/// A clock that a test moves; it runs nothing and wakes nobody.
#[derive(Debug)]
struct Hand {
    start: Instant,
    passed: AtomicU64,
}

#[derive(Debug)]
struct Shared(Arc<Hand>);

impl Runtime for Shared {
    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("nothing is spawned")
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> Instant {
        self.0.start + Duration::from_nanos(self.0.passed.load(Ordering::SeqCst))
    }

    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) {
        unreachable!("nothing blocks")
    }
}

/// Threads take from one limiter and move the clock, so that each of them reads it too early again and again. Each grant
/// lies between the two times that its thread reads around it.
fn race(quota: &Quota, amount: u64, step: Duration) {
    let hand = Arc::new(Hand {
        start: TestRuntime::run(|rt| async move { rt.now() }),
        passed: AtomicU64::new(0),
    });
    let rt = Rt::new(Shared(Arc::clone(&hand)));
    let limiter = RateLimiter::new(&rt, [quota.clone()]).unwrap();
    let granted = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut mine = Vec::new();
                for turn in 0..1000_u64 {
                    let before = rt.now();
                    let spent = match turn % 2 {
                        0 => limiter.try_spend(&[("x", amount)]).is_ok(),
                        _ => limiter
                            .try_acquire(&[("x", amount)])
                            .map(fascine::resilience::Reservation::commit)
                            .is_ok(),
                    };
                    if spent {
                        mine.push((before, rt.now()));
                    }
                    let passes = step.as_nanos() as u64;
                    hand.passed.fetch_add(passes, Ordering::SeqCst);
                }
                granted.lock().unwrap().extend(mine);
            });
        }
    });
    let mut granted = granted.into_inner().unwrap();
    let all = granted.len() as u64 * amount;
    assert!(
        all + amount > quota.capacity(),
        "it held something back: {all}"
    );
    granted.sort_by_key(|(_, after)| *after);
    // No stretch holds more whole grants than it may; that is true of all if it is of those that begin with one.
    for nth in (0..granted.len()).step_by(granted.len() / 100 + 1) {
        let (begin, _) = granted[nth];
        let mut sum = 0;
        for (_, after) in granted.iter().filter(|(before, _)| *before >= begin) {
            sum += amount;
            let most = allowed(quota, *after - begin);
            assert!(sum <= most, "{sum} of {most}: {quota:?}");
        }
    }
}

#[test]
fn threads_with_stale_clocks_never_get_more_than_there_is_and_all_of_it() {
    for strategy in [Strategy::SlidingWindow, Strategy::FixedCycle, bucket(2000)] {
        for step in [Duration::ZERO, Duration::from_micros(50)] {
            // So large that a share of it is lent, and spent without a look at the clock.
            let large = quota(2000, ms(50), strategy);
            race(&large, 1, step);
            race(&large, 2, step);
            race(&quota(7, ms(5), Strategy::SlidingWindow), 2, step);
        }
    }
}

#[test]
fn what_is_spent_on_credit_counts_from_when_it_is_known_and_never_before() {
    TestRuntime::run(|rt| async move {
        for strategy in [Strategy::SlidingWindow, bucket(10_000)] {
            let limiter = RateLimiter::new(&rt, [quota(10_000, ms(1000), strategy)]).unwrap();
            // The first lends ten; nine of them are spent later, and nobody looks at the clock.
            limiter.try_spend(&[("x", 1)]).unwrap();
            rt.sleep(ms(900)).await;
            for _ in 0..9 {
                limiter.try_spend(&[("x", 1)]).unwrap();
            }
            rt.sleep(ms(100)).await;
            assert_eq!(limiter.available("x"), Some(9991));
            limiter.try_spend(&[("x", 9991)]).unwrap();
            assert!(limiter.try_spend(&[("x", 1)]).is_err());
        }
    });
}

#[test]
fn random_traffic_of_large_and_small_costs_stays_within_every_window_on_credit_too() {
    for seed in 0..64 {
        TestRuntime::run(|rt| async move {
            let mut random = fastrand::Rng::with_seed(seed);
            for strategy in [Strategy::SlidingWindow, bucket(3000)] {
                let quota = quota(3000, ms(100), strategy);
                let limiter = RateLimiter::new(&rt, [quota.clone()]).unwrap();
                let mut granted = Vec::new();
                for _ in 0..400 {
                    rt.sleep(Duration::from_micros(random.u64(0..2000))).await;
                    let amount = if random.bool() {
                        random.u64(1..4)
                    } else {
                        random.u64(1..200)
                    };
                    if limiter.try_spend(&[("x", amount)]).is_ok() {
                        granted.push((rt.now(), amount));
                    }
                }
                check(&quota, &mut granted);
            }
        });
    }
}
