//! Every future of this part, dropped after each of its polls.

use fascine::concurrency::{
    CancelScope, checkpoint, closing, fail_after, is_closing, move_on_after, run_sync, shield,
    shield_for,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::concurrency::probe::Probe;
use crate::durations::ms;

#[test]
fn timeouts_and_shields_leave_nothing_behind() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let work = |time| probe.watch(rt.sleep(ms(time)));
        let nested = async {
            let _ = fail_after(&rt, ms(3), work(5)).await;
            let _ = move_on_after(&rt, ms(9), shield(work(12))).await;
            let _ = shield_for(&rt, ms(2), work(4)).await;
            checkpoint().await;
        };
        cut.apply(fail_after(&rt, ms(16), nested)).await;
        assert_eq!(probe.alive.get(), 0);
        assert!(!is_closing());
    });
}

#[test]
fn a_scope_with_clean_up_leaves_nothing_behind() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let scope = CancelScope::new(&rt).with_timeout(ms(4));
        let handle = scope.handle();
        let clock = rt.clone();
        let body = async {
            let deferred = handle.defer(async move {
                clock.sleep(ms(2)).await;
                clock.sleep(ms(2)).await;
            });
            deferred.unwrap();
            shield(probe.watch(rt.sleep(ms(6)))).await;
            probe.watch(rt.sleep(ms(6))).await;
        };
        let ended = cut.apply(fail_after(&rt, ms(60), scope.run(body))).await;
        assert_eq!(probe.alive.get(), 0);
        if let Some(ended) = ended {
            assert_eq!(handle.cancelled_caught(), ended.unwrap().is_err());
        }
        assert!(handle.defer(async {}).is_err(), "it takes no more");
    });
}

#[test]
fn waiting_for_the_end_leaves_nothing_behind() {
    drop_after_every_poll(|rt, cut| async move {
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let canceller = async {
            rt.sleep(ms(3)).await;
            handle.cancel();
        };
        let both = future::zip(shield(closing()), canceller);
        cut.apply(scope.run(both)).await;
        handle.cancel(); // Tells nobody any more.
    });
}

#[test]
fn blocking_work_can_be_left_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        cut.apply(fail_after(&rt, ms(5), run_sync(&rt, || 1))).await;
    });
}

#[test]
fn an_expiring_scope_polls_its_future_no_more_than_it_must() {
    TestRuntime::run_seeds(64, |rt| async move {
        let probe = Probe::default();
        let work = probe.watch(std::future::pending::<()>());
        assert!(fail_after(&rt, ms(5), work).await.is_err());
        assert!(probe.polls.get() <= 2, "{} polls", probe.polls.get());
        assert_eq!(probe.alive.get(), 0);
    });
}
