use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use futures_lite::future;

use super::Host;
use super::host::ms;
use crate::TestRuntime;

pub fn a_wake_from_a_foreign_thread_arrives(host: impl Host) {
    let rt = host.rt();
    let task = rt.spawn(async {
        let done = Arc::new(Mutex::new(false));
        let mut started = false;
        poll_fn(|cx| {
            if *done.lock().unwrap() {
                return Poll::Ready(());
            }
            if !std::mem::replace(&mut started, true) {
                let (waker, done) = (cx.waker().clone(), Arc::clone(&done));
                thread::spawn(move || {
                    *done.lock().unwrap() = true;
                    waker.wake();
                });
            }
            Poll::Pending
        })
        .await;
    });
    host.block_on(task).unwrap();
}

pub fn a_runtime_is_used_from_many_threads(host: impl Host) {
    let rt = host.rt();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let rt = rt.clone();
            thread::spawn(move || {
                (0..50)
                    .map(|n| rt.spawn(async move { n }))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let tasks: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    let mut sum = 0;
    host.block_on(async {
        for task in tasks {
            sum += task.await.unwrap();
        }
    });
    assert_eq!(sum, 4 * 1225);
}

pub fn two_runtimes_talk_to_each_other(host: impl Host) {
    let rt = host.rt();
    // The other runtime has a thread of its own, and a clock that does not care.
    let (tasks, made) = std::sync::mpsc::channel();
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let question = rt.spawn(async { 20 });
    let other = thread::spawn(move || {
        let other = TestRuntime::with_seed(1);
        let answer = other
            .rt()
            .spawn(async move { question.await.unwrap() + 22 });
        tasks.send(answer).unwrap();
        let rt = other.rt();
        other.block_on(async {
            while ended.try_recv().is_err() {
                rt.unblock(thread::yield_now).await.unwrap();
            }
        });
    });
    let answer = made.recv().unwrap();
    assert_eq!(host.block_on(answer).unwrap(), 42);
    done.send(()).unwrap();
    other.join().unwrap();
}

pub fn a_foreign_executor_may_await_a_task(host: impl Host) {
    let rt = host.rt();
    let task = rt.spawn({
        let rt = rt.clone();
        async move {
            rt.sleep(ms(5)).await;
            8
        }
    });
    let foreign = thread::spawn(|| future::block_on(task).unwrap());
    let rt = host.rt();
    host.block_on(async {
        while !foreign.is_finished() {
            rt.sleep(ms(1)).await;
        }
    });
    assert_eq!(foreign.join().unwrap(), 8);
}

pub fn a_foreign_executor_may_await_a_timer(host: impl Host) {
    let rt = host.rt();
    let foreign = thread::spawn({
        let rt = rt.clone();
        move || {
            let started = rt.now();
            future::block_on(rt.sleep(ms(10)));
            rt.now() - started
        }
    });
    host.block_on(async {
        while !foreign.is_finished() {
            rt.sleep(ms(1)).await;
        }
    });
    assert!(foreign.join().unwrap() >= ms(10));
}
