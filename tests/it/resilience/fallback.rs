use std::error::Error;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use allocation_counter::measure;
use fascine::http::Net;
use fascine::resilience::Fallback;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::block_on;

use crate::runtimes::on_every_runtime;

const MS: Duration = Duration::from_millis(1);

on_every_runtime! {
    alternatives_are_tried_in_turn_and_see_the_errors_so_far,
}

async fn alternatives_are_tried_in_turn_and_see_the_errors_so_far(rt: Rt, _: Arc<dyn Net>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |result: Result<u32, u32>| {
        let (seen, rt) = (Arc::clone(&seen), rt.clone());
        move |errors: &[u32]| {
            seen.lock().unwrap().push(errors.to_vec());
            let rt = rt.clone();
            async move {
                rt.sleep(MS).await;
                result
            }
        }
    };
    let fallback = Fallback::new()
        .or(note(Err(2)))
        .or(note(Ok(3)))
        .or(note(Ok(4)));
    let served = fallback.run(|| async { Err(1) }).await.unwrap();
    assert_eq!((served.value, served.errors), (3, vec![1, 2]));
    assert_eq!(*seen.lock().unwrap(), [vec![1], vec![1, 2]]);
}

#[test]
fn if_all_fail_every_error_is_kept() {
    TestRuntime::run(|_| async move {
        let io = |text: &'static str| std::io::Error::other(text);
        let fallback = Fallback::<(), _>::new()
            .or(move |_| async move { Err(io("second")) })
            .or(move |_| async move { Err(io("third")) });
        let error = fallback
            .run(|| async { Err(io("first")) })
            .await
            .unwrap_err();
        let texts: Vec<_> = error.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["first", "second", "third"]);
        assert_eq!(error.last().to_string(), "third");
        assert_eq!(error.source().unwrap().to_string(), "first");
        assert_eq!(
            error.to_string(),
            "the call failed, and so did 2 alternatives"
        );
    });
}

#[test]
fn an_error_that_is_not_to_be_passed_over_ends_the_chain() {
    TestRuntime::run(|_| async move {
        let fallback = Fallback::new().or_value(7).when(|error: &u32| *error < 5);
        let served = fallback.run(|| async { Err(4) }).await.unwrap();
        assert_eq!((served.value, served.errors), (7, vec![4]));
        let error = fallback.run(|| async { Err(5) }).await.unwrap_err();
        assert_eq!((error.first, error.others), (5, vec![]));
    });
}

#[test]
fn nothing_is_served_from_elsewhere_unnoticed() {
    TestRuntime::run(|_| async move {
        let told = Arc::new(AtomicUsize::new(0));
        let fallback = Fallback::new().or_value(7).with_observer({
            let told = Arc::clone(&told);
            move |errors: &[u32]| {
                told.fetch_add(errors.len(), SeqCst);
            }
        });
        assert_eq!(fallback.run(|| async { Ok(1) }).await.unwrap().value, 1);
        assert_eq!(told.load(SeqCst), 0);
        assert_eq!(fallback.run(|| async { Err(1) }).await.unwrap().value, 7);
        assert_eq!(told.load(SeqCst), 1);
    });
}

#[test]
fn a_call_that_succeeds_allocates_nothing() {
    let fallback = Fallback::<u32, u32>::new().or_value(7);
    // The first `block_on` of a thread allocates.
    block_on(async {});
    let info = measure(|| {
        block_on(fallback.run(|| async { Ok(1) })).unwrap();
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn without_alternatives_the_error_is_the_calls() {
    TestRuntime::run(|_| async move {
        let error = Fallback::<(), _>::default()
            .run(|| async { Err(1) })
            .await
            .unwrap_err();
        assert_eq!((error.last(), error.others.len()), (&1, 0));
    });
}

#[test]
fn a_dropped_chain_drops_what_it_was_doing() {
    drop_after_every_poll(|rt, cut| async move {
        let held = Arc::new(());
        let alternative = {
            let (held, rt) = (Arc::clone(&held), rt.clone());
            move |_: &[u32]| {
                let (held, rt) = (Arc::clone(&held), rt.clone());
                async move {
                    rt.sleep(MS).await;
                    drop(held);
                    Err::<u32, _>(2)
                }
            }
        };
        let fallback = Fallback::new().or(alternative);
        let local = Rc::new(());
        let call = || async {
            let _local = Rc::clone(&local);
            rt.sleep(MS).await;
            Err(1)
        };
        cut.apply(fallback.run(call)).await;
        assert_eq!((Arc::strong_count(&held), Rc::strong_count(&local)), (2, 1));
    });
}
