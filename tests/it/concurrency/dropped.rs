//! Every combinator dropped after its k-th poll, for every k, in sixty-four orders: no child and no task is left.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::{
    CompletionStream, at_most, bounded_map, bounded_map_all, bounded_map_stream,
    bounded_map_unordered, first_ok, gather, gather_all, join_all, quorum, race, try_join,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::StreamExt;

use super::probe::Probe;

/// Waits for a task of its own, some time.
fn child(rt: &Rt, probe: &Probe, n: u64) -> impl Future<Output = Result<u64, u64>> + use<> {
    let (rt, sleeper) = (rt.clone(), rt.clone());
    probe.watch(async move {
        let task = rt.spawn(async move { sleeper.sleep(Duration::from_millis(n % 3)).await });
        match task.await {
            Ok(()) if n != 4 => Ok(n),
            _ => Err(n),
        }
    })
}

/// Polls a future so many times and drops it; returns whether it ended before.
async fn polled(times: u64, future: impl Future<Output = ()>) -> bool {
    let mut left = times;
    let mut future = pin!(future);
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn check<F: Future<Output = ()>>(combine: impl Fn(Rc<dyn Fn(u64) -> Child>) -> F) {
    for times in 1.. {
        let all_ended = Cell::new(true);
        // It fails, too, when a task is left.
        TestRuntime::run_seeds(64, |rt| {
            let (combine, all_ended) = (&combine, &all_ended);
            async move {
                let probe = Probe::default();
                let watched = probe.clone();
                let child = move |n| Box::pin(child(&rt, &watched, n)) as Child;
                let ended = polled(times, combine(Rc::new(child))).await;
                all_ended.set(all_ended.get() && ended);
                assert_eq!(probe.alive.get(), 0, "after {times} polls");
            }
        });
        if all_ended.get() {
            break;
        }
    }
}

type Child = futures_lite::future::BoxedLocal<Result<u64, u64>>;

#[test]
fn gathering_leaves_nothing() {
    check(|child| async move {
        let _ = gather((0..6).map(|n| child(n))).await;
        let _ = gather_all((0..6).map(|n| child(n))).await;
        let _ = join_all((0..6).map(|n| child(n))).await;
        let _ = try_join((child(0), child(1), child(2))).await;
        let _ = try_join([child(2), child(4)]).await;
    });
}

#[test]
fn racing_leaves_nothing() {
    check(|child| async move {
        let two = at_most(2).unwrap();
        let _ = race((0..6).map(|n| child(n))).await;
        let _ = race((0..6).map(|n| child(n))).biased().await;
        let _ = first_ok([4, 2, 5].map(|n| child(n))).await;
        let _ = quorum(two, [4, 2, 5].map(|n| child(n))).await;
        let _ = quorum(two, [4, 2, 4].map(|n| child(n))).await;
    });
}

#[test]
fn mapping_leaves_nothing() {
    check(|child| async move {
        let (two, child) = (at_most(2).unwrap(), &child);
        let _ = bounded_map(0..6, two, |n| child(n)).await;
        let _ = bounded_map_all(0..6, two, |n| child(n)).await;
        bounded_map_stream(0..6, two, |n| child(n)).count().await;
        bounded_map_unordered(0..6, two, |n| child(n)).count().await;
    });
}

#[test]
fn streaming_leaves_nothing() {
    check(|child| async move {
        let mut running = CompletionStream::new().with_limit(at_most(2).unwrap());
        running.extend((0..4).map(|n| child(n)));
        running.next().await;
        let pusher = running.pusher();
        let body = |(_, output): (usize, Result<u64, u64>)| {
            let more = (output == Ok(1)).then(|| child(5));
            more.into_iter()
                .for_each(|child| assert!(pusher.push(child).is_ok()));
            let handling = child(2);
            async {
                let _ = handling.await;
            }
        };
        running.for_each(body).await;
    });
}
