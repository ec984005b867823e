use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::concurrency::OnceCell;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, yield_now};

use super::wakes::Wakes;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    it_is_made_once,
}

async fn it_is_made_once(rt: Rt, _: Arc<dyn Net>) {
    let shared = Arc::new((OnceCell::new(), AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..20)
        .map(|nth| {
            let shared = Arc::clone(&shared);
            rt.spawn(async move {
                let (cell, made) = &*shared;
                let make = || async {
                    yield_now().await;
                    made.fetch_add(1, SeqCst);
                    nth
                };
                *cell.get_or_init(make).await
            })
        })
        .collect();
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    assert!(values.iter().all(|value| Some(value) == shared.0.get()));
    assert_eq!(shared.1.load(SeqCst), 1);
}

#[test]
fn a_failure_or_a_panic_lets_the_next_one_try() {
    TestRuntime::run(|rt| async move {
        let cell = Arc::new(OnceCell::new());
        assert_eq!(
            cell.get_or_try_init(|| async { Err("no") }).await,
            Err("no")
        );
        let panics = rt.spawn({
            let cell = Arc::clone(&cell);
            async move { *cell.get_or_init(|| async { panic!("boo") }).await }
        });
        assert!(panics.await.is_err());
        assert_eq!(cell.get(), None);
        assert_eq!(cell.get_or_init(|| async { 1 }).await, &1);
        assert_eq!(cell.get_or_init(|| async { 2 }).await, &1);
    });
}

#[test]
fn a_value_from_elsewhere_wakes_all_that_wait_at_once() {
    let cell = OnceCell::new();
    let mut makes = Box::pin(cell.get_or_init(|| async {
        yield_now().await;
        1
    }));
    let made = Wakes::new();
    assert!(made.poll(&mut makes).is_pending());
    let wakes = Wakes::new();
    let mut waits: Vec<_> = (0..10)
        .map(|_| Box::pin(cell.get_or_init(|| async { 3 })))
        .collect();
    for wait in &mut waits {
        assert!(wakes.poll(wait).is_pending());
    }
    assert_eq!(cell.set(2), Ok(()));
    assert_eq!(cell.set(4), Err(4));
    assert_eq!(wakes.count(), 10);
    for wait in waits {
        assert_eq!(block_on(wait), &2);
    }
    assert_eq!(block_on(makes), &2);
}

#[test]
fn one_that_is_dropped_anywhere_leaves_it_to_the_next() {
    drop_after_every_poll(|rt, cut| async move {
        let cell = Arc::new(OnceCell::new());
        let other = rt.spawn({
            let cell = Arc::clone(&cell);
            async move {
                let make = || async {
                    yield_now().await;
                    "other"
                };
                *cell.get_or_init(make).await
            }
        });
        let make = || async {
            yield_now().await;
            yield_now().await;
            "mine"
        };
        let mine = cut.apply(cell.get_or_init(make)).await.copied();
        let others = other.await.unwrap();
        assert_eq!(cell.get(), Some(&others));
        assert!(mine.is_none_or(|mine| mine == others));
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let cell = Arc::new(OnceCell::new());
        let spawn = |nth| {
            let cell = Arc::clone(&cell);
            rt.spawn(async move {
                let make = || async {
                    yield_now().await;
                    nth
                };
                *cell.get_or_init(make).await
            })
        };
        let gone = [spawn(0), spawn(1)];
        let stays = spawn(2);
        yield_now().await;
        drop(gone);
        assert!(Some(&stays.await.unwrap()) == cell.get());
    });
}

#[test]
fn it_is_read_and_taken_apart() {
    let mut cell = OnceCell::default();
    assert_eq!(format!("{cell:?}"), "OnceCell(<empty>)");
    assert_eq!(cell.get_mut(), None::<&mut Cell<u8>>);
    cell.set(Cell::new(1)).unwrap();
    cell.get_mut().unwrap().set(2);
    assert_eq!(format!("{cell:?}"), "OnceCell(Cell { value: 2 })");
    assert_eq!(cell.into_inner(), Some(Cell::new(2)));
}
