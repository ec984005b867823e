//! Everything at once, on every runtime: whatever happens, nobody outlives the scope.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::concurrency::{CancelScope, TaskGroup, checkpoint, fail_after, move_on_after, shield};
use fascine::http::Net;
use fascine::rt::{BoxFuture, Rt};

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    nobody_outlives_the_scope_whatever_happens,
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

async fn nobody_outlives_the_scope_whatever_happens(rt: Rt, _: Arc<dyn Net>) {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..40 {
        let alive = Arc::new(AtomicUsize::new(0));
        let scope = CancelScope::new(&rt).with_timeout(micros(&mut random, 3000));
        let handle = scope.handle();
        let (clock, early) = (rt.clone(), micros(&mut random, 6000));
        let canceller = rt.spawn(async move {
            clock.sleep(early).await;
            handle.cancel();
        });
        let body = family(rt.clone(), random.fork(), Arc::clone(&alive), 2);
        let _ = scope.run(body).await;
        assert_eq!(alive.load(SeqCst), 0, "somebody outlived the scope");
        canceller.await.unwrap();
    }
}

fn micros(random: &mut fastrand::Rng, most: u64) -> Duration {
    Duration::from_micros(random.u64(..most))
}

/// A group of children of all kinds, some of which have families of their own.
fn family(
    rt: Rt,
    mut random: fastrand::Rng,
    alive: Arc<AtomicUsize>,
    depth: u32,
) -> BoxFuture<Result<(), ()>> {
    Box::pin(async move {
        let mut group = TaskGroup::<(), ()>::new(&rt);
        if random.bool() {
            group = group.supervised();
        }
        if random.bool() {
            group = group.with_limit(NonZeroUsize::new(random.usize(1..8)).unwrap());
        }
        for _ in 0..random.usize(1..12) {
            let (rt, living, inner) = (rt.clone(), Living::new(&alive), Arc::clone(&alive));
            let (time, kind, rng) = (micros(&mut random, 2000), random.u8(..8), random.fork());
            let child = async move {
                let _living = living;
                match kind {
                    0 => return Err(()),
                    1 => shield(rt.sleep(time)).await,
                    2 => drop(fail_after(&rt, time, rt.sleep(2 * time)).await),
                    3 => drop(move_on_after(&rt, time, shield(rt.sleep(2 * time))).await),
                    4 => checkpoint().await,
                    5 if depth > 0 => return family(rt, rng, inner, depth - 1).await,
                    _ => rt.sleep(time).await,
                }
                Ok(())
            };
            match random.u8(..4) {
                0 => group.spawn_when_free(child).await,
                1 => drop(group.spawn_with_handle(child)),
                _ => group.spawn(child),
            }
        }
        // Whoever drops a group instead of joining it cannot wait for its children.
        if random.bool() {
            drop(group.join().await);
        } else {
            group.handle().cancel();
            drop(group.join_all().await);
        }
        Ok(())
    })
}
