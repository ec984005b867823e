use std::hint::black_box;

use fascine_resilience::{Retry, Retryable};
use fascine_rt::{Rt, Smol};
use futures_lite::future;

use crate::harness::{Options, peer};

/// What a retry costs whoever does not need it: each side awaits the same sentence again and again.
pub(crate) fn run(options: &Options) {
    let ours = black_box(Retry::new(&Rt::new(Smol)));
    let backon = black_box(backon::ExponentialBuilder::default().with_jitter());
    let call = || async { black_box(Ok::<u32, u32>(1)) };
    options.compare(
        "retry/first_try",
        TIMES,
        || {
            future::block_on(async {
                for _ in 0..TIMES {
                    let _ = black_box(Retryable::retry(call, &ours).when(|_| true).await.ok());
                }
            });
        },
        vec![peer("backon", || {
            future::block_on(async {
                for _ in 0..TIMES {
                    let _ = black_box(
                        backon::Retryable::retry(call, backon)
                            .sleep(never)
                            .when(|_| true)
                            .await,
                    );
                }
            });
        })],
    );
}

fn never(_: std::time::Duration) -> std::future::Ready<()> {
    std::future::ready(())
}

const TIMES: u32 = 100;
