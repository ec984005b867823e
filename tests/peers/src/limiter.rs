use std::future::Future;
use std::hint::black_box;
use std::num::{NonZeroU32, NonZeroU64};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use fascine_resilience::{Quota, RateLimiter, Reservation, Strategy};
use fascine_rt::{Rt, Smol};
use futures_util::future::join_all;
use smol::block_on;
use throttle_net::{MultiLimiter, Throttle};

use crate::harness::{Options, peer};

/// Decisions, and what it costs to wait.
pub(crate) fn run(options: &Options) {
    one(options);
    two(options);
    contended(options);
    window(options);
    queued_bytes(options);
    queue_release(options);
    lateness(options);
}

const TIMES: u32 = 100;
const SECOND: Duration = Duration::from_secs(1);
const MAX: NonZeroU32 = NonZeroU32::MAX;

/// A bucket, as all peers have it, that is never empty.
fn bucket(name: &str) -> Quota {
    let burst = NonZeroU64::from(MAX);
    let quota = Quota::new(name, burst.get(), SECOND).expect("it makes sense");
    quota.with_strategy(Strategy::TokenBucket { burst })
}

fn limiter(quotas: impl IntoIterator<Item = Quota>) -> RateLimiter {
    let limiter = RateLimiter::builder(&Rt::new(Smol)).with_quotas(quotas);
    let limiter = limiter.with_queue_capacity(usize::MAX);
    black_box(limiter.build().expect("the names differ"))
}

fn governor_limiter() -> governor::DefaultDirectRateLimiter {
    black_box(governor::RateLimiter::direct(governor::Quota::per_second(
        MAX,
    )))
}

fn leaky() -> leaky_bucket::RateLimiter {
    let half = usize::MAX / 2;
    let builder = leaky_bucket::RateLimiter::builder()
        .initial(half)
        .max(half)
        .build();
    black_box(builder)
}

macro_rules! repeated {
    ($decision:expr) => {
        || {
            for _ in 0..TIMES {
                let _ = black_box($decision);
            }
        }
    };
}

fn one(options: &Options) {
    let ours = limiter([bucket("requests")]);
    let (governor, leaky) = (governor_limiter(), leaky());
    let throttle = black_box(Throttle::per_second(u32::MAX));
    options.compare(
        "limiter/one",
        TIMES,
        repeated!(ours.try_spend(black_box(&[("requests", 1)]))),
        vec![
            peer("governor", repeated!(governor.check())),
            peer("leaky-bucket", repeated!(leaky.try_acquire(1))),
            peer("throttle-net", repeated!(throttle.try_acquire())),
        ],
    );
}

fn two(options: &Options) {
    let ours = limiter([bucket("requests"), bucket("tokens")]);
    let throttle = MultiLimiter::builder()
        .dimension("requests", Throttle::per_second(u32::MAX))
        .dimension("tokens", Throttle::per_second(u32::MAX))
        .build();
    let throttle = black_box(throttle);
    let hundred = NonZeroU32::new(100).expect("a hundred is not zero");
    let (requests, tokens) = (governor_limiter(), governor_limiter());
    options.compare(
        "limiter/two",
        TIMES,
        repeated!(ours.try_spend(black_box(&[("requests", 1), ("tokens", 100)]))),
        vec![peer(
            "throttle-net",
            repeated!(throttle.try_acquire_costs(black_box(&[("requests", 1), ("tokens", 100)]))),
        )],
    );
    // Not on credit: a reservation that can be given back looks at the clock.
    let reserve = |cost: &[(&str, u64)]| ours.try_acquire(cost).map(Reservation::commit);
    options.compare(
        "limiter/two_reserved",
        TIMES,
        repeated!(reserve(black_box(&[("requests", 1), ("tokens", 100)]))),
        vec![peer(
            "throttle-net",
            repeated!(throttle.try_acquire_costs(black_box(&[("requests", 1), ("tokens", 100)]))),
        )],
    );
    options.compare(
        "limiter/two_vs_governor",
        TIMES,
        repeated!(ours.try_spend(black_box(&[("requests", 1), ("tokens", 100)]))),
        vec![peer(
            "governor",
            repeated!((requests.check(), tokens.check_n(black_box(hundred)))),
        )],
    );
}

const CONTENDED: u32 = 100_000;

/// Decides on two threads at the same time.
fn on_two_threads(decide: &(impl Fn() + Sync)) {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..CONTENDED).for_each(|_| decide()));
        }
    });
}

fn contended(options: &Options) {
    if !options.wants("limiter/contended2") {
        return;
    }
    let ours = limiter([bucket("requests")]);
    let (governor, leaky) = (governor_limiter(), leaky());
    let throttle = black_box(Throttle::per_second(u32::MAX));
    options.compare(
        "limiter/contended2",
        2 * CONTENDED,
        || {
            on_two_threads(&|| {
                let _ = black_box(ours.try_spend(black_box(&[("requests", 1)])));
            });
        },
        vec![
            peer("governor", || {
                on_two_threads(&|| {
                    let _ = black_box(governor.check());
                });
            }),
            peer("leaky-bucket", || {
                on_two_threads(&|| {
                    black_box(leaky.try_acquire(1));
                });
            }),
            peer("throttle-net", || {
                on_two_threads(&|| {
                    black_box(throttle.try_acquire());
                });
            }),
        ],
    );
}

/// In steady state: more than a hundred thousand were taken within the window, and as many leave it as come.
fn window(options: &Options) {
    if !options.wants("limiter/window") && !options.wants("limiter/window_reserved") {
        return;
    }
    let quota = Quota::new("requests", MAX.get().into(), Duration::from_millis(20));
    let window = limiter([quota.expect("it makes sense")]);
    let bucket = limiter([bucket("requests")]);
    for _ in 0..1_000_000 {
        let _ = window.try_spend(&[("requests", 1)]);
    }
    options.compare(
        "limiter/window",
        TIMES,
        repeated!(window.try_spend(black_box(&[("requests", 1)]))),
        vec![peer(
            "our token bucket",
            repeated!(bucket.try_spend(black_box(&[("requests", 1)]))),
        )],
    );
    // Not on credit: each is logged.
    let reserve = |limiter: &RateLimiter| {
        let reserved = limiter.try_acquire(black_box(&[("requests", 1)]));
        reserved.map(Reservation::commit)
    };
    options.compare(
        "limiter/window_reserved",
        TIMES,
        repeated!(reserve(&window)),
        vec![peer("our token bucket", repeated!(reserve(&bucket)))],
    );
}

const WAITERS: u32 = 100_000;

type Waiter<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Makes waiters and polls each until it is in the queue.
fn queue<'a>(wait: impl Fn() -> Waiter<'a>) -> Vec<Waiter<'a>> {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut waiters: Vec<_> = (0..WAITERS).map(|_| wait()).collect();
    for waiter in &mut waiters {
        assert!(waiter.as_mut().poll(cx).is_pending());
    }
    waiters
}

fn our_wait(limiter: &RateLimiter) -> Waiter<'_> {
    let acquire = limiter.acquire(&[("requests", 1)]);
    Box::pin(async { acquire.await.expect("there is room in the queue").commit() })
}

fn their_wait(throttle: &Throttle) -> Waiter<'_> {
    Box::pin(async { throttle.acquire().await.expect("it fits") })
}

const HOUR: Duration = Duration::from_secs(3600);

fn queued_bytes(options: &Options) {
    if !options.wants("limiter/queued_bytes") {
        return;
    }
    let runtime = tokio_runtime();
    let _entered = runtime.enter();
    let bytes = |work: &dyn Fn()| {
        let info = allocation_counter::measure(work);
        info.bytes_max as f64 / f64::from(WAITERS)
    };
    let quota = Quota::new("requests", 1, HOUR).expect("it makes sense");
    let ours = limiter([quota]);
    ours.try_spend(&[("requests", 1)]).expect("nobody had any");
    // Waits for a second each at least: a rate that its clock can still count.
    let theirs = Throttle::per_second(1);
    assert!(theirs.try_acquire());
    let ours = bytes(&|| drop(black_box(queue(|| our_wait(&ours)))));
    let theirs = bytes(&|| drop(black_box(queue(|| their_wait(&theirs)))));
    options.report(
        "limiter/queued_bytes",
        "bytes",
        ours,
        theirs,
        "throttle-net",
    );
}

/// Everybody queues in a pause, and is granted when it ends.
fn queue_release(options: &Options) {
    if !options.wants("limiter/queue_release") {
        return;
    }
    let runtime = tokio_runtime();
    let _entered = runtime.enter();
    let rt = Rt::new(Smol);
    let ours = limiter([bucket("requests")]);
    let theirs = Throttle::per_second(u32::MAX);
    options.compare(
        "limiter/queue_release",
        WAITERS,
        || {
            ours.pause_until(rt.now() + HOUR);
            let waiters = queue(|| our_wait(&ours));
            ours.resume();
            release(waiters);
        },
        vec![peer("throttle-net", || {
            theirs.pause_for(HOUR);
            let waiters = queue(|| their_wait(&theirs));
            theirs.resume();
            release(waiters);
        })],
    );
}

fn release(waiters: Vec<Waiter<'_>>) {
    let cx = &mut Context::from_waker(Waker::noop());
    for mut waiter in waiters {
        while waiter.as_mut().poll(cx).is_pending() {}
    }
}

const LATE: u32 = 1000;
const APART: Duration = Duration::from_micros(500);

const BURST: u32 = 20;

/// A thousand waiters, of which twenty may go at once and then one every half millisecond: how much later than that the
/// ninety-ninth of a hundred does. Peers run on what they are made for.
fn lateness(options: &Options) {
    if !options.wants("limiter/lateness_p99") {
        return;
    }
    let rate = NonZeroU32::new(2000).expect("it is not zero");
    let burst = NonZeroU32::new(BURST).expect("it is not zero");
    let ours = || {
        let quota = Quota::new("requests", rate.get().into(), SECOND).expect("it makes sense");
        let burst = NonZeroU64::from(burst);
        let ours = limiter([quota.with_strategy(Strategy::TokenBucket { burst })]);
        block_on(late(|| async {
            let granted = ours.acquire(&[("requests", 1)]).await;
            granted.expect("there is room in the queue").commit();
        }))
    };
    let governor = || {
        let quota = governor::Quota::per_second(rate).allow_burst(burst);
        let theirs = governor::RateLimiter::direct(quota);
        block_on(late(|| theirs.until_ready()))
    };
    let throttle = || {
        let theirs = Throttle::builder()
            .rate(rate.get(), SECOND)
            .burst(BURST)
            .build();
        tokio_runtime().block_on(late(|| async { theirs.acquire().await.expect("it fits") }))
    };
    let ours = median(ours);
    let (name, theirs) = [
        ("governor", median(governor)),
        ("throttle-net", median(throttle)),
    ]
    .into_iter()
    .min_by(|(_, a), (_, b)| a.total_cmp(b))
    .expect("there are two");
    options.report("limiter/lateness_p99", "ns", ours, theirs, name);
}

fn median(lateness: impl Fn() -> f64) -> f64 {
    let mut runs: Vec<f64> = (0..5).map(|_| lateness()).collect();
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
async fn late<F: Future>(wait: impl Fn() -> F) -> f64 {
    let started = Instant::now();
    let waiters = (0..LATE).map(|_| {
        let waiter = wait();
        async move {
            waiter.await;
            Instant::now()
        }
    });
    let mut released = join_all(waiters).await;
    released.sort();
    let mut late: Vec<Duration> = released
        .into_iter()
        .zip(0..)
        .map(|(at, nth)| {
            at.saturating_duration_since(started + APART * u32::saturating_sub(nth, BURST - 1))
        })
        .collect();
    late.sort();
    late[late.len() * 99 / 100].as_nanos() as f64
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("it needs no permission")
}
