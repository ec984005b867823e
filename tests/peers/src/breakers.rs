use std::convert::Infallible;
use std::hint::black_box;
use std::io;
use std::time::Duration;

use fascine_resilience::{CircuitBreaker, Over};
use fascine_rt::{Rt, Smol};
use futures_lite::future;
use tower::{Layer, Service, ServiceExt};
use tower_resilience::circuitbreaker::CircuitBreakerLayer;

use crate::harness::{Options, peer};

/// What a closed breaker costs round a call that is ready at once: round a future, and round a plain function for those
/// who have a way for it.
///
/// Ours is measured as `new` makes it, which opens after failures in a row, and over a window of the last hundred calls.
pub(crate) fn run(options: &Options) {
    let rt = Rt::new(Smol);
    let ours = black_box(CircuitBreaker::new(&rt, "bench"));
    futures(options, "breaker/closed", &ours);
    functions(options, "breaker/closed_sync", &ours);
    let window = CircuitBreaker::builder(&rt, "bench")
        .failure_rate(0.5)
        .over(Over::Calls(100))
        .build();
    if let Ok(window) = window {
        futures(options, "breaker/closed_window", &black_box(window));
    }
}

fn futures(options: &Options, name: &str, ours: &CircuitBreaker) {
    if !options.wants(name) {
        return;
    }
    use failsafe::futures::CircuitBreaker as _;
    let recloser = recloser::Recloser::custom().closed_len(100).build();
    let recloser = black_box(recloser::AsyncRecloser::from(recloser));
    let failsafe = black_box(
        failsafe::Config::new()
            .failure_policy(five_in_a_row())
            .build(),
    );
    let rs = black_box(RsBreaker::builder().build());
    // It is a breaker round a limiter and cannot do without.
    let throttle = throttle_net::Throttle::per_second(u32::MAX);
    let throttle = black_box(throttle_net::CircuitBreaker::builder().build(throttle));
    let service = tower::service_fn(|n: u32| std::future::ready(Ok::<u32, Infallible>(n)));
    let Ok(layer) = CircuitBreakerLayer::standard().build() else {
        return;
    };
    let mut tower = layer.layer(service);
    let call = || async { black_box(Ok::<u32, ()>(1)) };
    options.compare(
        name,
        TIMES,
        awaited(async || ours.call(call).await.ok()),
        vec![
            peer(
                "recloser",
                awaited(async || recloser.call(call()).await.ok()),
            ),
            peer(
                "failsafe",
                awaited(async || failsafe.call(call()).await.ok()),
            ),
            peer(
                "circuitbreaker-rs",
                awaited(async || rs.call(|| black_box(Ok::<u32, io::Error>(1))).ok()),
            ),
            peer(
                "throttle-net",
                awaited(async || throttle.call(call).await.ok()),
            ),
            peer("tower-resilience", || {
                future::block_on(async {
                    for _ in 0..TIMES {
                        if let Ok(ready) = tower.ready().await {
                            let _ = black_box(ready.call(black_box(1)).await.ok());
                        }
                    }
                });
            }),
        ],
    );
}

fn functions(options: &Options, name: &str, ours: &CircuitBreaker) {
    if !options.wants(name) {
        return;
    }
    use failsafe::CircuitBreaker as _;
    let recloser = black_box(recloser::Recloser::custom().closed_len(100).build());
    let failsafe = black_box(
        failsafe::Config::new()
            .failure_policy(five_in_a_row())
            .build(),
    );
    let rs = black_box(RsBreaker::builder().build());
    let call = || black_box(Ok::<u32, ()>(1));
    let ours = || {
        let permit = ours.try_acquire().ok()?;
        match call() {
            Ok(value) => {
                permit.succeeded();
                Some(value)
            }
            Err(()) => {
                permit.failed();
                None
            }
        }
    };
    options.compare(
        name,
        TIMES,
        called(ours),
        vec![
            peer("recloser", called(|| recloser.call(call).ok())),
            peer("failsafe", called(|| failsafe.call(call).ok())),
            peer(
                "circuitbreaker-rs",
                called(|| rs.call(|| black_box(Ok::<u32, io::Error>(1))).ok()),
            ),
        ],
    );
}

type RsBreaker = circuitbreaker_rs::CircuitBreaker<circuitbreaker_rs::DefaultPolicy, io::Error>;

fn five_in_a_row() -> failsafe::failure_policy::ConsecutiveFailures<failsafe::backoff::Constant> {
    let wait = failsafe::backoff::constant(Duration::from_secs(30));
    failsafe::failure_policy::consecutive_failures(5, wait)
}

/// Calls the same again and again.
fn called(call: impl Fn() -> Option<u32>) -> impl FnMut() {
    move || {
        for _ in 0..TIMES {
            let _ = black_box(call());
        }
    }
}

/// Awaits the same call again and again.
fn awaited(call: impl AsyncFn() -> Option<u32>) -> impl FnMut() {
    move || {
        future::block_on(async {
            for _ in 0..TIMES {
                let _ = black_box(call().await);
            }
        });
    }
}

const TIMES: u32 = 100;
