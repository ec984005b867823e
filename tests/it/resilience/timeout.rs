use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::{effective_deadline, fail_after};
use fascine::http::Net;
use fascine::resilience::Timeout;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::pending;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_takes_too_long_ends,
}

async fn what_takes_too_long_ends(rt: Rt, _: Arc<dyn Net>) {
    let timeout = Timeout::new(&rt, ms(2));
    assert_eq!(timeout.run(pending::<()>).await.unwrap_err().after(), ms(2));
    let patient = Timeout::new(&rt, Duration::MAX);
    assert_eq!(patient.run(|| async { 1 }).await, Ok(1));
}

#[test]
fn the_call_ends_exactly_then_and_is_gone_and_saw_its_deadline() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let held = Rc::new(());
        let call = || {
            let held = Rc::clone(&held);
            async move {
                assert_eq!(effective_deadline(), Some(started + ms(30)));
                pending::<()>().await;
                drop(held);
            }
        };
        let timed_out = Timeout::new(&rt, ms(30)).run(call).await.unwrap_err();
        assert_eq!(timed_out.to_string(), "the call took longer than 30ms");
        assert_eq!(rt.now() - started, ms(30));
        assert_eq!(Rc::strong_count(&held), 1);
    });
}

#[test]
fn a_nearer_deadline_further_out_wins_and_is_reported_there() {
    TestRuntime::run(|rt| async move {
        let timeout = Timeout::new(&rt, ms(30));
        let outer = fail_after(&rt, ms(10), timeout.run(pending::<()>)).await;
        assert!(outer.is_err());
    });
}

#[test]
fn no_time_at_all_is_enough_for_what_is_ready() {
    TestRuntime::run(|rt| async move {
        let timeout = Timeout::new(&rt, Duration::ZERO);
        assert_eq!(timeout.run(|| async { 1 }).await, Ok(1));
        assert!(timeout.run(|| rt.sleep(ms(1))).await.is_err());
    });
}

#[test]
fn a_dropped_call_is_dropped() {
    drop_after_every_poll(|rt, cut| async move {
        let held = Rc::new(());
        let call = || {
            let (held, rt) = (Rc::clone(&held), rt.clone());
            async move {
                rt.sleep(ms(3)).await;
                rt.sleep(ms(3)).await;
                drop(held);
            }
        };
        cut.apply(Timeout::new(&rt, ms(5)).run(call)).await;
        assert_eq!(Rc::strong_count(&held), 1);
    });
}
