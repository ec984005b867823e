use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use futures_lite::future::{self, pending, yield_now};

use super::Host;
use super::host::{Flag, ms, until};

pub fn a_task_gives_its_output(host: impl Host) {
    let task = host.rt().spawn(async { 6 * 7 });
    assert_eq!(host.block_on(task).unwrap(), 42);
}

pub fn a_task_is_polled_without_being_awaited(host: impl Host) {
    let rt = host.rt();
    let ran = Arc::new(AtomicBool::new(false));
    let task = rt.spawn({
        let ran = Arc::clone(&ran);
        async move { ran.store(true, SeqCst) }
    });
    host.block_on(until(&rt, || ran.load(SeqCst)));
    drop(task);
}

pub fn a_task_makes_progress_while_others_wait(host: impl Host) {
    let rt = host.rt();
    let waiting = rt.spawn(pending::<()>());
    let task = rt.spawn(async { 1 });
    assert_eq!(host.block_on(task).unwrap(), 1);
    drop(waiting);
}

pub fn a_detached_task_runs_to_its_end(host: impl Host) {
    let rt = host.rt();
    let ended = Arc::new(AtomicBool::new(false));
    rt.spawn({
        let (rt, ended) = (rt.clone(), Arc::clone(&ended));
        async move {
            rt.sleep(ms(2)).await;
            ended.store(true, SeqCst);
        }
    })
    .detach();
    host.block_on(until(&rt, || ended.load(SeqCst)));
}

pub fn a_finished_task_says_so(host: impl Host) {
    let rt = host.rt();
    let waiting = rt.spawn(pending::<()>());
    let task = rt.spawn(async {});
    host.block_on(until(&rt, || task.is_finished()));
    assert!(!waiting.is_finished());
}

pub fn a_task_can_spawn_tasks(host: impl Host) {
    let rt = host.rt();
    let outer = rt.spawn({
        let rt = rt.clone();
        async move {
            let children: Vec<_> = (0..10).map(|n| rt.spawn(async move { n })).collect();
            let mut sum = 0;
            for child in children {
                sum += child.await.unwrap();
            }
            sum
        }
    });
    assert_eq!(host.block_on(outer).unwrap(), 45);
}

pub fn a_task_can_await_a_task_of_a_task(host: impl Host) {
    let rt = host.rt();
    let first = rt.spawn(async { 1 });
    let second = rt.spawn(async move { first.await.unwrap() + 1 });
    let third = rt.spawn(async move { second.await.unwrap() + 1 });
    assert_eq!(host.block_on(third).unwrap(), 3);
}

pub fn a_task_that_yields_lets_others_run(host: impl Host) {
    let rt = host.rt();
    let stop = Arc::new(AtomicBool::new(false));
    let spinning = rt.spawn({
        let stop = Arc::clone(&stop);
        async move {
            while !stop.load(SeqCst) {
                yield_now().await;
            }
        }
    });
    let stopping = rt.spawn(async move { stop.store(true, SeqCst) });
    host.block_on(async {
        stopping.await.unwrap();
        spinning.await.unwrap();
    });
}

pub fn an_output_waits_for_its_owner(host: impl Host) {
    let rt = host.rt();
    let task = rt.spawn(async { "kept" });
    host.block_on(async {
        until(&rt, || task.is_finished()).await;
        rt.sleep(ms(2)).await;
        assert_eq!(task.await.unwrap(), "kept");
    });
}

pub fn the_future_is_gone_when_the_output_is_seen(host: impl Host) {
    let (flag, dropped) = Flag::new();
    let task = host.rt().spawn(async move {
        let _held = &flag;
        7
    });
    assert_eq!(host.block_on(task).unwrap(), 7);
    assert!(dropped.try_recv().is_ok());
}

pub fn a_task_can_be_awaited_by_reference_and_again(host: impl Host) {
    let rt = host.rt();
    let mut task = rt.spawn({
        let rt = rt.clone();
        async move {
            rt.sleep(ms(20)).await;
            5
        }
    });
    host.block_on(async {
        assert!(future::poll_once(&mut task).await.is_none());
        assert_eq!((&mut task).await.unwrap(), 5);
    });
}

pub fn a_finished_task_that_is_polled_again_panics(host: impl Host) {
    let mut task = host.rt().spawn(async {});
    host.block_on(async {
        (&mut task).await.unwrap();
        let again = future::poll_once(&mut task);
        let again = std::panic::AssertUnwindSafe(again);
        let caught = future::FutureExt::catch_unwind(again).await;
        assert!(caught.is_err(), "it gave a second outcome");
    });
}

pub fn wakes_during_a_poll_are_not_lost(host: impl Host) {
    let task = host.rt().spawn(async {
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            if polls == 100 {
                return Poll::Ready(polls);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    });
    assert_eq!(host.block_on(task).unwrap(), 100);
}

pub fn a_task_moves_between_owners(host: impl Host) {
    let rt = host.rt();
    let mut task = rt.spawn({
        let rt = rt.clone();
        async move {
            rt.sleep(ms(5)).await;
            9
        }
    });
    // Registered by one owner, awaited by another: the last one is told.
    host.block_on(async {
        let _ = future::poll_once(Pin::new(&mut task)).await;
    });
    let polls = AtomicUsize::new(0);
    let second = rt.spawn(task);
    let output = host.block_on(async {
        polls.fetch_add(1, SeqCst);
        second.await
    });
    assert_eq!(output.unwrap().unwrap(), 9);
}
