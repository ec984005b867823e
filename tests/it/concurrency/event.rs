use std::sync::Arc;

use fascine::concurrency::Event;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::yield_now;

use super::wakes::{Meddler, Wakes, poll_with};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    setting_it_wakes_all_that_wait,
}

async fn setting_it_wakes_all_that_wait(rt: Rt, _: Arc<dyn Net>) {
    let event = Arc::new(Event::new());
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let event = Arc::clone(&event);
            rt.spawn(async move { event.wait().await })
        })
        .collect();
    yield_now().await;
    assert!(!event.is_set());
    assert!(event.set());
    assert!(!event.set());
    for task in tasks {
        task.await.unwrap();
    }
    event.wait().await;
    assert_eq!(event.waiting(), 0);
}

#[test]
fn who_waits_after_it_has_happened_does_not_wait() {
    let event = Event::default();
    event.set();
    let wakes = Wakes::new();
    let counted = allocation_counter::measure(|| {
        assert!(wakes.poll(&mut event.wait()).is_ready());
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn each_waiter_is_woken_once_by_its_last_waker() {
    let event = Event::new();
    let wakes = [(); 3].map(|()| Wakes::new());
    let mut waits = [(); 100].map(|()| event.wait());
    for wait in &mut waits {
        for one in &wakes {
            assert!(one.poll(wait).is_pending());
        }
    }
    assert_eq!(event.waiting(), 100);
    event.set();
    assert_eq!(wakes.each_ref().map(|one| one.count()), [0, 0, 100]);
    for wait in &mut waits {
        assert!(wakes[0].poll(wait).is_ready());
    }
}

#[test]
fn a_wait_that_is_dropped_anywhere_is_not_counted_any_more() {
    drop_after_every_poll(|rt, cut| async move {
        let event = Arc::new(Event::new());
        let sets = rt.spawn({
            let (rt, event) = (rt.clone(), Arc::clone(&event));
            async move {
                rt.sleep(std::time::Duration::from_millis(1)).await;
                event.set();
            }
        });
        cut.apply(event.wait()).await;
        assert_eq!(event.waiting(), 0);
        sets.await.unwrap();
        event.wait().await;
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let event = Arc::new(Event::new());
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let event = Arc::clone(&event);
                rt.spawn(async move { event.wait().await })
            })
            .collect();
        yield_now().await;
        let mut tasks = tasks.into_iter();
        // Dropping a task cancels it.
        drop((tasks.next(), tasks.next()));
        yield_now().await;
        event.set();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(event.waiting(), 0);
    });
}

#[test]
#[should_panic(expected = "polled after it had ended")]
fn polling_after_the_end_says_so() {
    let event = Event::new();
    event.set();
    let mut wait = event.wait();
    assert!(Wakes::new().poll(&mut wait).is_ready());
    let _ = Wakes::new().poll(&mut wait);
}

/// Would lock up if a lock were held while wakers are woken or dropped.
#[test]
fn wakers_may_do_what_they_like() {
    let event = Arc::new(Event::new());
    let meddler = || {
        let event = Arc::clone(&event);
        Arc::new(Meddler(move || {
            assert!(event.waiting() < 10);
            event.set();
        }))
    };
    let (mut first, mut second) = (event.wait(), event.wait());
    assert!(poll_with(&mut first, meddler()).is_pending());
    assert!(poll_with(&mut second, meddler()).is_pending());
    drop(first);
    assert!(event.is_set());
    assert!(poll_with(&mut second, meddler()).is_ready());
}
