use std::future::{Future, pending, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use fascine_concurrency::{CancelScope, fail_after};
use fascine_rt::{Rt, Smol};

use crate::harness::{Options, peer};

const POLLS: u32 = 1000;

tokio::task_local! {
    static LOCAL: u64;
}

/// What a scope costs, waiting and not.
pub(crate) fn run(options: &Options) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    else {
        return;
    };
    let _entered = runtime.enter();
    let rt = Rt::new(Smol);

    let mut scope = pin!(CancelScope::new(&rt).run(pending::<()>()));
    let mut local = pin!(LOCAL.scope(1, pending::<()>()));
    options.compare(
        "scope/poll",
        POLLS,
        || poll_often(scope.as_mut()),
        vec![peer("tokio task_local", || poll_often(local.as_mut()))],
    );

    let limit = Duration::from_secs(60);
    options.compare(
        "timeout/ready",
        POLLS,
        || {
            for n in 0..POLLS {
                poll_ready(fail_after(&rt, limit, ready(n)));
            }
        },
        vec![peer("tokio timeout", || {
            for n in 0..POLLS {
                poll_ready(tokio::time::timeout(limit, ready(n)));
            }
        })],
    );
}

fn poll_often<F: Future>(mut future: std::pin::Pin<&mut F>) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..POLLS {
        let _ = black_box(future.as_mut().poll(&mut cx).is_pending());
    }
}

fn poll_ready<F: Future>(future: F) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    let _ = black_box(polled.is_ready());
}
