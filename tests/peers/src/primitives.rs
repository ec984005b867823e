use std::hint::black_box;

use fascine_concurrency::{Lock, Semaphore};
use futures_lite::future;
use smol::LocalExecutor;

use crate::harness::{Options, peer};

/// Permits and locks: nobody else there, and many at once.
///
/// Each side runs the same words, with its own constructor and its own way to acquire.
pub(crate) fn run(options: &Options) {
    semaphore_uncontended(options);
    semaphore_contended(options);
    lock_uncontended(options);
}

const TIMES: u32 = 100;

/// Acquires and gives back, again and again, inside one async block.
macro_rules! repeated {
    ($acquire:expr) => {
        || {
            future::block_on(async {
                for _ in 0..TIMES {
                    drop(black_box($acquire.await));
                }
            })
        }
    };
}

fn semaphore_uncontended(options: &Options) {
    let ours = black_box(Semaphore::new(8));
    let async_lock = black_box(async_lock::Semaphore::new(8));
    let tokio = black_box(tokio::sync::Semaphore::new(8));
    let asyncband = black_box(asyncband::semaphore::Semaphore::new(8));
    let zruntime = black_box(zruntime::lock::Semaphore::new(8));
    options.compare(
        "semaphore/uncontended",
        TIMES,
        repeated!(ours.acquire()),
        vec![
            peer("async-lock", repeated!(async_lock.acquire())),
            peer("tokio", repeated!(tokio.acquire())),
            peer("asyncband", repeated!(asyncband.acquire(1))),
            peer("zruntime", repeated!(zruntime.acquire())),
        ],
    );
}

fn lock_uncontended(options: &Options) {
    let ours = black_box(Lock::new(0_u32));
    let async_lock = black_box(async_lock::Mutex::new(0_u32));
    let tokio = black_box(tokio::sync::Mutex::new(0_u32));
    let asyncband = black_box(asyncband::mutex::Mutex::new(0_u32));
    let zruntime = black_box(zruntime::lock::Mutex::new(0_u32));
    options.compare(
        "lock/uncontended",
        TIMES,
        repeated!(ours.lock()),
        vec![
            peer("async-lock", repeated!(async_lock.lock())),
            peer("tokio", repeated!(tokio.lock())),
            peer("asyncband", repeated!(asyncband.lock())),
            peer("zruntime", repeated!(zruntime.lock())),
        ],
    );
}

const TASKS: u32 = 64;
const ROUNDS: u32 = 50;

/// Many tasks that want the one permit and hold it until they are polled again, on one executor for all sides.
macro_rules! contended {
    ($acquire:expr) => {
        || {
            let executor = LocalExecutor::new();
            let tasks: Vec<_> = (0..TASKS)
                .map(|_| {
                    executor.spawn(async {
                        for _ in 0..ROUNDS {
                            let permit = $acquire.await;
                            future::yield_now().await;
                            drop(black_box(permit));
                        }
                    })
                })
                .collect();
            future::block_on(executor.run(async {
                for task in tasks {
                    task.await;
                }
            }));
        }
    };
}

fn semaphore_contended(options: &Options) {
    let ours = black_box(Semaphore::new(1));
    let async_lock = black_box(async_lock::Semaphore::new(1));
    let tokio = black_box(tokio::sync::Semaphore::new(1));
    let asyncband = black_box(asyncband::semaphore::Semaphore::new(1));
    let zruntime = black_box(zruntime::lock::Semaphore::new(1));
    options.compare(
        "semaphore/contended64",
        TASKS * ROUNDS,
        contended!(ours.acquire()),
        vec![
            peer("async-lock", contended!(async_lock.acquire())),
            peer("tokio", contended!(tokio.acquire())),
            peer("asyncband", contended!(asyncband.acquire(1))),
            peer("zruntime", contended!(zruntime.acquire())),
        ],
    );
}
